'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms, panic } = require('../support/fault-addon')

test('a panic rejects only its task', async () => {
  const others = Array.from({ length: 100 }, (_, i) => pool.run(transforms.identity(), `${i}`))
  for (let i = 0; i < 20; i++) {
    await assert.rejects(pool.run(panic, 'x'), error => {
      const { name, code, transform, message, stack } = /** @type {any} */ (error)
      assert.deepEqual([name, code, transform], ['OffloopError', 'ERR_OFFLOOP_PANIC', 'fault.panic'])
      assert.match(message, /injected.*bug in offloop/)
      assert.match(stack, /panic\.test\.js/)
      return true
    })
  }
  assert.deepEqual((await Promise.all(others)).map(String), [...others.keys()].map(String))
  assert.equal(pool.stats().running, 0)
})

test('a panic in a batch rejects only its input', async () => {
  const outcomes = await pool.map(transforms.chain(transforms.identity(), panic), ['a', 'b', 'c'], { settle: true })
  for (const outcome of outcomes) assert.equal(/** @type {any} */ (outcome).reason.code, 'ERR_OFFLOOP_PANIC')
  await assert.rejects(pool.map(panic, ['a']), { code: 'ERR_OFFLOOP_PANIC', index: 0 })
})
