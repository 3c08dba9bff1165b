'use strict'

// Batched values are cloned separately, and values that V8 cannot serialize or deserialize reject their task.

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

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../..').PoolOptions} [options]
 */
function open(t, options) {
  const pool = new Pool({ threads: 1, ...options })
  t.after(() => pool.close())
  return pool
}

/**
 * Runs tasks in one batch, after the pool has measured them as quick.
 * @param {Pool} pool @param {import('../..').PoolTransform<any, any>} transform @param {readonly any[]} inputs
 */
async function runBatched(pool, transform, inputs) {
  for (let round = 0; round < 20; round++) {
    await Promise.allSettled(Array.from({ length: 50 }, () => pool.run(transform, inputs[0])))
  }
  return Promise.all(inputs.map(input => pool.run(transform, input)))
}

test('inputs of a batch do not share references', async t => {
  const pool = open(t)
  const inner = { n: 0 }
  const same = { inner }
  const inputs = [{ inner }, { inner }, same, same, same]
  assert.deepEqual(await runBatched(pool, userFunction('count'), inputs), [1, 1, 1, 1, 1])
})

test('results of a batch do not share references', async t => {
  const [first, second] = await runBatched(open(t), userFunction('constant'), [0, 0])
  assert.deepEqual([first, second], [{ inner: { n: 0 } }, { inner: { n: 0 } }])
  first.inner.n = 99
  assert.equal(second.inner.n, 0)
})

test('rejects values that are nested too deeply, as input and as result', async t => {
  const pool = open(t)
  const message = /cannot be cloned: it is nested too deeply$/
  await assert.rejects(pool.run(userFunction(), nested(DEEP)), { name: 'DataCloneError', message })
  await assert.rejects(pool.run(userFunction('nest'), { levels: DEEP }), { name: 'DataCloneError', message })
  assert.equal(await pool.run(userFunction(), 'next'), 'next')
})

test('an input that its thread cannot read fails only its own task', async t => {
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

test('a result that cannot be read fails only its own task', async t => {
  const pool = open(t)
  const nest = userFunction('nest')
  await pool.run(nest, 0)
  for (let round = 0; round < 5; round++) {
    const tasks = [{ levels: 12_000 }, 1, 2, 3].map(input => pool.run(nest, input))
    // All results have arrived when the event loop reads them.
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
