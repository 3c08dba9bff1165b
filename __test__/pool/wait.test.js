'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { Pool, transforms, move, occupy } = require('../support/fault-addon')
const { release: releaseWords, sharedWords, userFunction } = require('../support/worker')

const identity = transforms.identity()
const FULL = 'ERR_OFFLOOP_QUEUE_FULL'
const CLOSED = 'ERR_OFFLOOP_CLOSED'
const TIMEOUT = 'ERR_OFFLOOP_QUEUE_TIMEOUT'
const WAIT = { wait: true }

const turn = () => new Promise(resolve => setImmediate(resolve))

/**
 * Makes a pool without a free slot.
 * @param {import('../..').PoolOptions} [options]
 */
function fullPool(options) {
  const pool = new Pool({ threads: 1, maxQueue: 0, ...options })
  return { pool, ...occupy(pool) }
}

/** Asserts that all slots and bytes are free, and closes the pool. @param {import('../..').Pool} pool */
async function assertIdle(pool) {
  // An aborted task may still run for a moment.
  while (pool.stats().running + pool.stats().queued > 0) await turn()
  const slots = pool.threads + pool.maxQueue
  const tasks = Array.from({ length: slots }, () => pool.run(identity, 'x'))
  // On a busy machine a task may wait too long, but none is refused.
  const reasons = (await Promise.allSettled(tasks)).flatMap(it => (it.status === 'rejected' ? [it.reason.code] : []))
  assert.deepEqual(new Set(reasons.concat(TIMEOUT)), new Set([TIMEOUT]))
  const { queued, queuedBytes, waiting } = pool.stats()
  assert.deepEqual([queued, queuedBytes, waiting], [0, 0, 0])
  await pool.close()
}

test('waiting calls run in the order in which they, map, streams and notified callers began to wait', async () => {
  const { pool, release } = fullPool()
  /** @type {string[]} */
  const order = []
  const log = (/** @type {string} */ name) => () => order.push(name)
  const calls = [pool.run(identity, 'x', { wait: true, priority: 'low' }).then(log('low'))]
  calls.push(pool.map(identity, ['x']).then(log('map')))
  calls.push(pool.ready().then(log('ready')))
  calls.push(pool.run(identity, 'x', { wait: true, priority: 'high' }).then(log('high')))
  const stream = pipeline(Readable.from([Buffer.from('x')]), pool.stream(identity), async chunks => {
    for await (const _ of chunks) order.push('stream')
  })
  for (let i = 0; i < 10; i++) await turn()
  calls.push(pool.run(userFunction(), 1, WAIT).then(log('worker')))
  const { rejected, queued, waiting } = pool.stats()
  assert.deepEqual([order.length, rejected, queued, waiting], [0, 0, 0, 6])
  await release()
  await Promise.all([...calls, stream])
  assert.deepEqual(
    order.filter(name => name !== 'ready'),
    ['low', 'map', 'high', 'stream', 'worker']
  )
  assert.ok(order.indexOf('ready') < order.indexOf('high'))
  await assertIdle(pool)
})

test('a waiting call does not overtake an older one that needs more bytes, but a call that does not wait may', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10, maxQueueBytes: 100 })
  const { release } = occupy(pool)
  const held = pool.run(identity, Buffer.alloc(60))
  /** @type {string[]} */
  const order = []
  const large = pool.run(identity, Buffer.alloc(80), WAIT).then(() => order.push('large'))
  const small = pool.run(identity, Buffer.alloc(1), WAIT).then(() => order.push('small'))
  assert.equal(pool.stats().queued, 1)
  const passes = pool.run(identity, Buffer.alloc(1)).then(() => order.push('passes'))
  assert.equal(pool.stats().queued, 2)
  await release()
  await Promise.all([held, large, small, passes])
  assert.deepEqual(order, ['passes', 'large', 'small'])
  await assertIdle(pool)
})

test('every kind of input waits for its bytes', async () => {
  const text = 'text '.repeat(20)
  const array = new Float64Array(12)
  /** @type {[any, any][]} */
  const inputs = [
    [identity, Buffer.alloc(100)],
    [identity, text],
    [identity, move(Buffer.from(text))],
    [identity, move(new ArrayBuffer(100))],
    [identity, new SharedArrayBuffer(100)],
    [transforms.json.stringify(), { text }],
    [transforms.chain(transforms.json.stringify(), transforms.gzip()), { text }],
    [transforms.chain(transforms.json.stringify(), userFunction(), identity), { text }],
    [transforms.numeric.stats(), array],
    [userFunction(), text],
    [userFunction(), move(new ArrayBuffer(100))],
    [transforms.chain(identity, userFunction()), text]
  ]
  for (const [transform, input] of inputs) {
    const pool = new Pool({ threads: 1, maxQueue: 10, maxQueueBytes: 100 })
    const { release } = occupy(pool)
    const held = pool.run(identity, Buffer.alloc(60))
    const waits = pool.run(transform, input, WAIT)
    for (let i = 0; i < 3; i++) await turn()
    assert.deepEqual([pool.stats().queued, pool.stats().rejected], [1, 0], transform.name)
    await release()
    await held
    await waits
    await assertIdle(pool)
  }
})

test('the code of a waiting value runs once, and in the async context of the call', async () => {
  const { pool, release } = fullPool()
  const storage = new AsyncLocalStorage()
  let calls = 0
  /** @type {unknown[]} */
  const stores = []
  const small = { toJSON: () => ++calls }
  const large = Array.from({ length: 20_000 }, () => ({
    get key() {
      stores.push(storage.getStore())
      return 'value'
    }
  }))
  const waits = storage.run('context', () => [
    pool.run(transforms.json.stringify(), small, WAIT),
    pool.run(transforms.json.stringify(), large, WAIT)
  ])
  await release()
  const [text] = await Promise.all(waits)
  assert.equal(String(text), '1')
  assert.deepEqual([...new Set(stores)], ['context'])
  await assertIdle(pool)
})

test('a bulk call that waits runs the code of its value once', async () => {
  const { pool, release } = fullPool()
  const stringify = transforms.json.stringify()
  let calls = 0
  const value = { toJSON: () => ++calls }
  const sink = pool.each(stringify, undefined, { objectMode: true })
  sink.end(value)
  const iterator = pool.iterate(transforms.chain(stringify, transforms.gzip()), [value])
  const waits = [pool.map(stringify, [value]), iterator.next(), sink.result]
  await release()
  await Promise.all(waits)
  await iterator.return?.()
  assert.equal(calls, 3)
  await assertIdle(pool)
})

test('a moved input stays attached while it waits', async () => {
  const { pool, release } = fullPool()
  for (const transform of [identity, userFunction()]) {
    const [buffer, abort] = [new ArrayBuffer(10_000), new AbortController()]
    const waits = pool.run(/** @type {any} */ (transform), move(buffer), { wait: true, signal: abort.signal })
    abort.abort()
    await assert.rejects(waits, { name: 'AbortError' })
    assert.equal(buffer.byteLength, 10_000)
  }
  const buffer = new ArrayBuffer(10_000)
  const waits = pool.run(identity, move(buffer), WAIT)
  assert.equal(buffer.byteLength, 10_000)
  await release()
  await waits
  assert.equal(buffer.byteLength, 0)
  await assertIdle(pool)
})

test('rejects a wrong input immediately, and one that is detached while it waits', async () => {
  const { pool, release } = fullPool()
  await assert.rejects(pool.run(identity, /** @type {any} */ (1), WAIT), { code: 'ERR_INVALID_ARG_TYPE' })
  await assert.rejects(pool.run(identity, 'x', { wait: /** @type {any} */ (1) }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /"options\.wait" property must be of type boolean\. Received type number \(1\)/
  })
  await assert.rejects(pool.map(identity, ['x'], /** @type {any} */ (WAIT)), { code: 'ERR_INVALID_ARG_VALUE' })
  const buffer = new ArrayBuffer(10)
  const waits = pool.run(identity, buffer, WAIT)
  structuredClone(buffer, { transfer: [buffer] })
  const rejected = assert.rejects(waits, /must not be detached/)
  await release()
  await rejected
  await assertIdle(pool)
})

test('an abort rejects a waiting call immediately at any moment, and frees its capacity', async () => {
  for (const transform of [identity, userFunction(), transforms.json.stringify()]) {
    for (const moment of ['before', 'waiting', 'granted', 'submitted']) {
      const { pool, release } = fullPool()
      const abort = new AbortController()
      const reason = new Error(moment)
      if (moment === 'before') abort.abort(reason)
      const options = { wait: true, signal: abort.signal }
      const waits = pool.run(/** @type {any} */ (transform), 'x', options)
      const behind = pool.run(identity, 'behind', WAIT)
      if (moment === 'waiting') abort.abort(reason)
      const aborted = assert.rejects(waits, reason)
      if (moment === 'before' || moment === 'waiting') await aborted
      const released = release()
      // Blocks the event loop until the reservation is granted, but not delivered.
      if (moment === 'granted') while (pool.stats().cancelled === 0);
      if (moment === 'submitted') await released
      abort.abort(reason)
      await Promise.all([aborted.catch(() => assert.equal(moment, 'submitted')), released])
      assert.equal(String(await behind), 'behind')
      await assertIdle(pool)
    }
  }
})

test('a signal aborts a thousand waiting calls, and keeps no listener of those that ended', async () => {
  const { pool, release } = fullPool()
  const abort = new AbortController()
  const options = { wait: true, signal: abort.signal }
  const waits = Array.from({ length: 1000 }, () => pool.run(identity, 'x', options))
  const notified = pool.ready({ signal: abort.signal })
  abort.abort()
  for (const { status } of await Promise.allSettled([...waits, notified])) assert.equal(status, 'rejected')
  await release()
  await assertIdle(pool)
})

test('maxWait counts from the call: it ends waits, also those of worker functions', async () => {
  const { pool, release } = fullPool({ maxWait: 20 })
  const waits = [pool.run(transforms.gunzip(), Buffer.from('x'), WAIT), pool.run(userFunction(), 1, WAIT)]
  const outcomes = await Promise.allSettled(waits)
  for (const outcome of outcomes) {
    assert.equal(outcome.status, 'rejected')
    const { code, message, stack } = /** @type {any} */ (outcome).reason
    assert.equal(code, TIMEOUT)
    assert.match(message, /waited for room in the pool for longer than maxWait \(20 ms\)/)
    assert.match(stack, /wait\.test\.js/)
  }
  assert.deepEqual(
    outcomes.map(outcome => /** @type {any} */ (outcome).reason.transform),
    ['gunzip', 'worker']
  )
  assert.equal(pool.stats().rejected, 2)
  await release()
  await assertIdle(pool)
})

test('maxWait counts from the call: it ends a task that was queued after a wait', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 1, maxWait: 200 })
  const [first, second] = [occupy(pool), new AbortController()]
  const queued = pool.run(identity, 'x', { signal: second.signal })
  const waits = pool.run(identity, 'waits', WAIT)
  const rejected = assert.rejects(waits, { code: TIMEOUT, message: /waited in the queue/ })
  // Frees the slot in the queue, which the waiting call receives; the thread remains busy.
  second.abort()
  await assert.rejects(queued, { name: 'AbortError' })
  await turn()
  assert.equal(pool.stats().queued, 1)
  await rejected
  await first.release()
  await assertIdle(pool)
})

test('map and ready() may wait for room longer than maxWait', async () => {
  const { pool, release } = fullPool({ maxWait: 10 })
  const mapped = pool.map(identity, ['x'])
  const ready = pool.ready()
  await assert.rejects(pool.run(identity, 'x', WAIT), { code: TIMEOUT })
  await release()
  await Promise.all([mapped, ready])
  await assertIdle(pool)
})

test('close rejects waiting calls and runs admitted ones; force cancels those too', async () => {
  for (const force of [false, true]) {
    const { pool, release } = fullPool({ maxQueue: 1 })
    const admitted = pool.run(identity, 'admitted', WAIT)
    const waits = [pool.run(identity, 'x', WAIT), pool.run(userFunction(), 1, WAIT), pool.ready()]
    const rejected = waits.map(promise => assert.rejects(promise, { code: CLOSED, message: /accepts no more tasks/ }))
    const ended = force ? assert.rejects(admitted, { code: CLOSED, message: /by force/ }) : admitted
    const closed = pool.close({ force })
    await Promise.all(rejected)
    await release()
    await Promise.all([ended, closed])
    await assert.rejects(pool.run(identity, 'x', WAIT), { code: CLOSED })
    await assert.rejects(pool.ready(), { code: CLOSED })
  }
})

test('close between the grant and its delivery rejects the call and frees the slot', async () => {
  const { pool, release } = fullPool({ name: 'granted' })
  const other = new Pool({ name: 'granted' })
  const waits = pool.run(identity, 'x', WAIT)
  const released = release()
  while (other.stats().cancelled === 0);
  const closed = pool.close()
  await assert.rejects(waits, { code: CLOSED })
  await Promise.all([released, closed])
  await assertIdle(other)
})

test('ready() notifies in order and reserves nothing', async () => {
  const { pool, release } = fullPool()
  /** @type {number[]} */
  const order = []
  const notified = [0, 1, 2].map(index => pool.ready().then(() => order.push(index)))
  const abort = new AbortController()
  const aborted = pool.ready({ signal: abort.signal })
  const reason = new Error('no longer')
  abort.abort(reason)
  await assert.rejects(aborted, reason)
  await assert.rejects(pool.ready({ signal: AbortSignal.abort(reason) }), reason)
  await assert.rejects(pool.ready(/** @type {any} */ ({ signal: 1 })), { code: 'ERR_INVALID_ARG_TYPE' })
  await assert.rejects(pool.ready(/** @type {any} */ ({ wait: true })), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.deepEqual(order, [])
  await release()
  await Promise.all(notified)
  assert.deepEqual(order, [0, 1, 2])
  // The slot stays free while the notification is in flight.
  const ready = pool.ready()
  const again = occupy(pool)
  await ready
  await assert.rejects(pool.run(identity, 'x'), { code: FULL })
  await again.release()
  await assertIdle(pool)
})

test('100,000 waiting calls leave in any order, and the rest stay in order', async () => {
  const { pool, release } = fullPool()
  const aborts = Array.from({ length: 100_000 }, () => new AbortController())
  const waits = aborts.map(({ signal }) => pool.run(identity, 'x', { wait: true, signal }))
  /** @type {number[]} */
  const done = []
  const kept = new Set([7, 50_000, 99_999])
  const settled = Promise.all(waits.map((promise, index) => promise.then(() => done.push(index)).catch(() => {})))
  // 38,197 and 100,000 have no common factor, so that every index comes once.
  for (let i = 0, index = 0; i < aborts.length; i++) {
    index = (index + 38_197) % aborts.length
    if (!kept.has(index)) aborts[index].abort()
  }
  await release()
  await settled
  assert.deepEqual(done, [...kept])
  await assertIdle(pool)
})

test('a waiting worker function runs when another one ends', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const shared = sharedWords()
  const first = pool.run(userFunction('meet'), shared)
  const waits = pool.run(userFunction('double'), 4, WAIT)
  await assert.rejects(pool.run(userFunction('double'), 4), { code: FULL })
  releaseWords(shared)
  await first
  assert.equal(await waits, 8)
  await assertIdle(pool)
})
