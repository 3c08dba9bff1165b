'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const { pool, transforms, move } = require('../..')

const identity = transforms.identity()
const storage = new AsyncLocalStorage()

test('AsyncLocalStorage follows every promise', async () => {
  const inContext = Array.from({ length: 50 }, (_, i) =>
    storage.run(i, async () => {
      await pool.run(identity, 'x')
      assert.equal(storage.getStore(), i)
      await pool.run(identity, Buffer.alloc(2 << 20))
      assert.equal(storage.getStore(), i)
      await pool.run(identity, move(Buffer.alloc(100_000)))
      assert.equal(storage.getStore(), i)
      await pool.map(identity, ['a', 'b'])
      assert.equal(storage.getStore(), i)
      await pool.ready()
      assert.equal(storage.getStore(), i)
      await pool.run(/** @type {any} */ (undefined), 'x').catch(() => {})
      assert.equal(storage.getStore(), i)
    })
  )
  await Promise.all(inContext)
})

test('inputs are taken in the context of whoever called map or iterate', async () => {
  /** @type {unknown[]} */
  const seen = []
  const inputs = (/** @type {number} */ length) => ({
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) {
        seen.push(storage.getStore())
        yield 'x'
      }
    }
  })
  await storage.run('map', () => pool.map(identity, inputs(5000)))
  assert.deepEqual([seen.length, new Set(seen)], [5000, new Set(['map'])])
  seen.length = 0
  await storage.run('iterate', async () => {
    for await (const _ of pool.iterate(identity, inputs(500)));
  })
  assert.deepEqual([seen.length, new Set(seen)], [500, new Set(['iterate'])])
})
