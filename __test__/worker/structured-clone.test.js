'use strict'

// Values are structured clones, as if each task were the only one; and what V8 cannot follow or read is told.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool } = require('../..')
const { userFunction } = require('../support/worker')

const DEEP = 200_000

/** @param {number} levels */
function nested(levels) {
  /** @type {unknown[]} */
  let value = []
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

/** @param {import('node:test').TestContext} t @param {import('../..').PoolOptions} [options] */
function open(t, options) {
  const pool = new Pool({ threads: 1, ...options })
  t.after(() => pool.close())
  return pool
}

/**
 * Tasks that travel together, as those do that were quick before.
 * @param {Pool} pool @param {import('../..').Transform<any, any>} transform @param {readonly any[]} inputs
 */
async function together(pool, transform, inputs) {
  for (let round = 0; round < 20; round++) {
    await Promise.allSettled(Array.from({ length: 50 }, () => pool.run(transform, inputs[0])))
  }
  return Promise.all(inputs.map(input => pool.run(transform, input)))
}

test('tasks that travel together do not share what their inputs share', async t => {
  const pool = open(t)
  const inner = { n: 0 }
  const same = { inner }
  const inputs = [{ inner }, { inner }, same, same, same]
  assert.deepEqual(await together(pool, userFunction('count'), inputs), [1, 1, 1, 1, 1])
})

test('callers do not share results', async t => {
  const [first, second] = await together(open(t), userFunction('constant'), [0, 0])
  assert.deepEqual([first, second], [{ inner: { n: 0 } }, { inner: { n: 0 } }])
  first.inner.n = 99
  assert.equal(second.inner.n, 0)
})

test('what is nested too deeply is refused at once, in both directions', async t => {
  const pool = open(t)
  const message = /cannot be cloned: it is nested too deeply$/
  await assert.rejects(pool.run(userFunction(), nested(DEEP)), { name: 'DataCloneError', message })
  await assert.rejects(pool.run(userFunction('nest'), { levels: DEEP }), { name: 'DataCloneError', message })
  assert.equal(await pool.run(userFunction(), 'next'), 'next')
})

test('an input that its thread cannot read fails alone', async t => {
  const pool = open(t, { workers: { resourceLimits: { stackSizeMb: 0.5 } } })
  const results = await Promise.allSettled([nested(2500), 1, 2].map(input => pool.run(userFunction(), input)))
  const [deep, ...others] = results
  assert.ok(deep.status === 'rejected' && deep.reason.name === 'DataCloneError', JSON.stringify(results))
  assert.match(deep.reason.message, /cannot be read by the worker thread: RangeError/)
  assert.deepEqual(
    others.map(it => it.status === 'fulfilled' && it.value),
    [1, 2]
  )
  assert.equal(pool.stats().running, 0)
})

test('a result that cannot be read fails alone', async t => {
  const pool = open(t)
  const nest = userFunction('nest')
  await pool.run(nest, 0)
  for (let round = 0; round < 5; round++) {
    const tasks = [{ levels: 12_000 }, 1, 2, 3].map(input => pool.run(nest, input))
    // All of it is there when the loop comes to it.
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30))
    const [deep, ...others] = await Promise.allSettled(tasks)
    if (deep.status === 'fulfilled') assert.ok(Array.isArray(deep.value))
    else assert.match(deep.reason.message, /^The result cannot be read: RangeError/)
    assert.deepEqual(
      others.map(it => it.status === 'fulfilled' && it.value),
      [1, 2, 3]
    )
  }
})
