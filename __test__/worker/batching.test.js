'use strict'

// A result reaches its caller as soon as it is ready, even if another task of its batch blocks or ends the thread.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, move, transforms } = require('../..')
const { fixture, waitForValue, release, sharedWords } = require('../support/worker.js')

const batched = transforms.worker(fixture('batch.cjs'))
/** Values of every kind that is encoded differently. */
const QUICK = [1, undefined, null, true, false, -0, Number.NaN, 'text', { a: [1] }, new Float64Array([1.5]), 10n]
const SMALL_HEAP = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 }

/**
 * Makes a pool that has measured its tasks as quick, so that it sends them in batches.
 * @param {import('node:test').TestContext} t
 * @param {import('../..').PoolOptions} options
 */
async function open(t, options) {
  const pool = new Pool(options)
  t.after(() => pool.close())
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 100 }, () => pool.run(batched, 0)))
  return pool
}

/** @param {Pool} pool */
function assertIdle(pool) {
  const { running, queued, queuedBytes } = pool.stats()
  assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
}

for (const action of ['spin', 'await']) {
  test(`results do not wait for a task that blocks its thread (${action})`, async t => {
    const pool = await open(t, { threads: 1 })
    const shared = sharedWords()
    const before = QUICK.map(input => pool.run(batched, input))
    const failed = pool.run(batched, { throws: 'no' })
    const blocking = pool.run(batched, { action, words: shared })
    const behind = pool.run(batched, 'behind')
    await assert.rejects(failed, { name: 'RangeError', message: 'no' })
    assert.deepEqual(await Promise.all(before), QUICK)
    assert.equal(pool.stats().running, 1, 'the task still blocks')
    release(shared)
    assert.deepEqual(await Promise.all([blocking, behind]), ['released', 'behind'])
    assertIdle(pool)
  })

  test(`tasks queued behind a blocking task run in another thread (${action})`, async t => {
    const pool = await open(t, { threads: 2 })
    const shared = sharedWords()
    const blocking = pool.run(batched, { action, words: shared })
    const behind = Array.from({ length: 40 }, (_, value) => pool.run(batched, value))
    assert.deepEqual(await Promise.all(behind), [...Array(40).keys()])
    release(shared)
    assert.equal(await blocking, 'released')
    assertIdle(pool)
  })

  test(`tasks queued behind two blocking tasks run when one thread is free (${action})`, async t => {
    const pool = await open(t, { threads: 2 })
    const [first, second] = [sharedWords(), sharedWords()]
    const blocking = [first, second].map(shared => pool.run(batched, { action, words: shared }))
    const behind = Array.from({ length: 40 }, (_, value) => pool.run(batched, value))
    await Promise.all([first, second].map(shared => waitForValue(shared, 0, 1)))
    release(second)
    assert.deepEqual(await Promise.all(behind), [...Array(40).keys()])
    release(first)
    assert.deepEqual(await Promise.all(blocking), ['released', 'released'])
    assertIdle(pool)
  })

  test(`iterate yields results as soon as they are ready (${action})`, async t => {
    const pool = await open(t, { threads: 1 })
    const shared = sharedWords()
    const inputs = [...QUICK, { action, words: shared }]
    /** @type {unknown[]} */
    const results = []
    for await (const value of pool.iterate(batched, inputs)) {
      results.push(value)
      if (results.length === QUICK.length) release(shared)
    }
    assert.deepEqual(results, [...QUICK, 'released'])
    assertIdle(pool)
  })
}

for (const action of ['exit', 'crash', 'fill']) {
  test(`only the task that ends its thread fails (${action})`, async t => {
    const resourceLimits = action === 'fill' ? SMALL_HEAP : {}
    const pool = await open(t, { threads: 1, workers: { resourceLimits } })
    for (let index = 0; index < 20; index += 5) {
      const inputs = [...Array(20).keys()].map(n => (n === index ? { action, words: sharedWords() } : n))
      const settled = await Promise.allSettled(inputs.map(input => pool.run(batched, input)))
      for (const [n, result] of settled.entries()) {
        if (n === index) assert.equal(result.status === 'rejected' && result.reason.code, 'ERR_OFFLOOP_WORKER_EXIT')
        else assert.deepEqual(result, { status: 'fulfilled', value: n })
      }
    }
    assertIdle(pool)
  })

  test(`a map fails only at the input that ends its thread (${action})`, async t => {
    const resourceLimits = action === 'fill' ? SMALL_HEAP : {}
    const pool = await open(t, { threads: 2, workers: { resourceLimits } })
    const inputs = [...QUICK, { action, words: sharedWords() }, ...QUICK]
    const settled = await pool.map(batched, inputs, { settle: true })
    const expected = /** @type {any[]} */ (inputs.map(value => ({ status: 'fulfilled', value })))
    const { status, reason } = /** @type {any} */ (settled[QUICK.length])
    assert.deepEqual([status, reason.code, reason.index], ['rejected', 'ERR_OFFLOOP_WORKER_EXIT', QUICK.length])
    expected[QUICK.length] = settled[QUICK.length]
    assert.deepEqual(settled, expected)
    assertIdle(pool)
  })
}

test('an abort past the grace period rejects only its own task', async t => {
  const pool = await open(t, { threads: 1, workers: { gracePeriod: 1 } })
  const shared = sharedWords()
  const abort = new AbortController()
  const before = QUICK.map(input => pool.run(batched, input))
  const hangs = pool.run(batched, { action: 'hang', words: shared }, { signal: abort.signal })
  const behind = QUICK.map(input => pool.run(batched, input))
  await waitForValue(shared, 0, 1)
  // The thread has not posted anything yet.
  abort.abort()
  await assert.rejects(hangs, { name: 'AbortError' })
  assert.deepEqual(await Promise.all(before), QUICK)
  assert.deepEqual(await Promise.all(behind), QUICK)
  assertIdle(pool)
})

test('results posted before the thread exits are read even if the event loop is blocked', async t => {
  const pool = await open(t, { threads: 1 })
  // On a busy machine a task may be measured as slow: then a batch is too short for all of them, and the exit is not sent.
  for (let isSent = false; !isSent; ) {
    const shared = sharedWords()
    const before = QUICK.map(input => pool.run(batched, input))
    const exits = pool.run(batched, { action: 'exit', words: shared })
    // The batch is sent in a microtask. Then the event loop is blocked until the thread exits.
    await null
    isSent = Atomics.wait(shared, 0, 0, 2000) !== 'timed-out'
    await assert.rejects(exits, { code: 'ERR_OFFLOOP_WORKER_EXIT', message: /exit code 3/ })
    assert.deepEqual(await Promise.all(before), QUICK)
    for (let index = 0; index < 100; index++) await pool.run(batched, 0)
  }
  assertIdle(pool)
})

test('tasks returned to the queue can be aborted there, and keep their order', async t => {
  const pool = await open(t, { threads: 1 })
  const shared = sharedWords()
  const abort = new AbortController()
  const blocking = pool.run(batched, { action: 'await', words: shared })
  /** @type {number[]} */
  const order = []
  const behind = [0, 1, 2, 3].map(n =>
    pool.run(batched, n, n === 2 ? { signal: abort.signal } : {}).then(value => order.push(value))
  )
  const later = pool.run(batched, 4)
  while (pool.stats().queued < 5) await new Promise(resolve => setImmediate(resolve))
  abort.abort()
  await assert.rejects(behind[2], { name: 'AbortError' })
  assert.equal(pool.stats().queued, 4)
  release(shared)
  await Promise.all([blocking, behind[0], behind[1], behind[3], later])
  assert.deepEqual(order, [0, 1, 3])
  const { cancelled } = pool.stats()
  assert.equal(cancelled, 1)
  assertIdle(pool)
})

test('each failed task has a separate error', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const exits = transforms.worker(fixture('exits.cjs'))
  const settled = await pool.map(exits, [0, 1, 2, 3], { settle: true })
  const errors = settled.map(it => it.status === 'rejected' && it.reason)
  assert.equal(new Set(errors).size, 4)
  assert.deepEqual(
    errors.map(({ index }) => index),
    [0, 1, 2, 3]
  )
})

test('a task that waits for its import survives the exit of its thread', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const later = transforms.worker(fixture('batch.cjs'), { export: 'exitsLater' })
  const shared = sharedWords()
  assert.equal(await pool.run(later, shared), 'done')
  release(shared)
  const slow = transforms.worker(fixture('slow-import.mjs'))
  const settled = await Promise.allSettled([pool.run(slow, 1), pool.run(slow, 2)])
  assert.deepEqual(
    settled.map(it => it.status === 'fulfilled' && it.value),
    [1, 2]
  )
})

test('a module that ends its thread late in its import rejects its tasks', async t => {
  const pool = new Pool({ threads: 2 })
  t.after(() => pool.close())
  const exits = transforms.worker(fixture('exits-late.mjs'))
  const settled = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => pool.run(exits, n)))
  assert.ok(settled.every(it => it.status === 'rejected' && it.reason.code === 'ERR_OFFLOOP_WORKER_EXIT'))
  assert.equal(pool.stats().failed, 20)
  assertIdle(pool)
})

test('moved inputs that have not been sent survive the exit of a thread', async t => {
  const pool = await open(t, { threads: 1 })
  const exits = pool.run(batched, { action: 'exit', words: sharedWords() })
  const moved = Array.from({ length: 10 }, (_, n) => pool.run(batched, move(new Uint8Array([n]))))
  await assert.rejects(exits, { code: 'ERR_OFFLOOP_WORKER_EXIT' })
  assert.deepEqual(
    (await Promise.all(moved)).map(([n]) => n),
    [...Array(10).keys()]
  )
  assertIdle(pool)
})
