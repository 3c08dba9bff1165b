'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { getEventListeners } = require('node:events')
const { test } = require('node:test')
const { Pool, pool, transforms, occupy } = require('../support/fault-addon')
const { deferred } = require('../support/deferred')

const identity = transforms.identity()

/** @param {number} length */
const numbers = length => Array.from({ length }, (_, i) => `${i}`)

/** @param {AsyncIterable<unknown>} results */
async function collect(results) {
  const collected = []
  for await (const result of results) collected.push(String(result))
  return collected
}

test('yields the results in order, then ends', async () => {
  for (const length of [0, 1, 100, 5000]) {
    assert.deepEqual(await collect(pool.iterate(identity, numbers(length))), numbers(length))
  }
})

/** @param {{ count: number }} counter */
async function* counted(counter) {
  for (; ; counter.count++) yield 'x'
}

test('reads no input before the first next(), and at most `concurrency` ahead', async () => {
  for (const concurrency of [1, 3, 20]) {
    const counter = { count: 0 }
    const results = pool.iterate(identity, counted(counter), { concurrency })
    assert.equal(counter.count, 0)
    for (let read = 1; read <= 200; read++) {
      await results.next()
      assert.ok(counter.count <= read + concurrency, `${counter.count} inputs were read for ${read} results`)
    }
    await results.return?.()
  }
})

test('concurrent next() calls receive their results, then the end', async () => {
  const results = pool.iterate(identity, numbers(5))
  const read = await Promise.all(Array.from({ length: 8 }, () => results.next()))
  assert.deepEqual(
    read.map(({ value, done }) => (done ? 'done' : String(value))),
    [...numbers(5), 'done', 'done', 'done']
  )
})

test('breaking out of the loop closes the inputs and cancels tasks in flight', async () => {
  const abort = new AbortController()
  let isClosed = false
  async function* inputs() {
    try {
      for (;;) yield 'x'
    } finally {
      isClosed = true
    }
  }
  for await (const result of pool.iterate(identity, inputs(), { signal: abort.signal })) {
    assert.equal(String(result), 'x')
    break
  }
  while (!isClosed) await new Promise(resolve => setImmediate(resolve))
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
  const results = pool.iterate(identity, ['x'])
  assert.deepEqual(await results.return?.('done'), { value: 'done', done: true })
  assert.deepEqual(await results.next(), { value: undefined, done: true })
  const thrown = pool.iterate(identity, ['x'])
  await assert.rejects(async () => thrown.throw?.(new Error('thrown')), /thrown/)
})

test('a failure rejects at its index', async () => {
  const results = pool.iterate(identity, /** @type {any[]} */ (['a', 'b', 3, 'd']))
  assert.equal(String((await results.next()).value), 'a')
  assert.equal(String((await results.next()).value), 'b')
  await assert.rejects(results.next(), { code: 'ERR_INVALID_ARG_TYPE', index: 2 })
  assert.deepEqual(await results.next(), { value: undefined, done: true })
  const settled = []
  for await (const { status } of pool.iterate(identity, /** @type {any[]} */ (['a', 3]), { settle: true })) {
    settled.push(status)
  }
  assert.deepEqual(settled, ['fulfilled', 'rejected'])
})

test('an error of the inputs follows the results of the inputs before it', async () => {
  async function* inputs() {
    yield 'a'
    yield 'b'
    throw new Error('broken')
  }
  const results = pool.iterate(identity, inputs())
  assert.equal(String((await results.next()).value), 'a')
  assert.equal(String((await results.next()).value), 'b')
  await assert.rejects(results.next(), /broken/)
})

test('an abort rejects the reader, and an abandoned iteration leaves no listener', async () => {
  const busy = new Pool({ threads: 1 })
  const { release } = occupy(busy)
  const abort = new AbortController()
  const reading = busy.iterate(identity, ['x'], { signal: abort.signal }).next()
  const reason = new Error('enough')
  abort.abort(reason)
  await assert.rejects(reading, reason)
  await release()
  await busy.close()
  const other = new AbortController()
  const abandoned = pool.iterate(identity, numbers(100), { signal: other.signal, concurrency: 4 })
  await abandoned.next()
  while (getEventListeners(other.signal, 'abort').length > 0) await new Promise(resolve => setImmediate(resolve))
  other.abort(reason)
  await assert.rejects(abandoned.next(), reason)
})

test('throws for an aborted signal', () => {
  assert.throws(() => pool.iterate(identity, ['x'], { signal: AbortSignal.abort(new Error('early')) }), /early/)
})

test('return() waits for the cleanup of the inputs, which runs in the context of the caller of iterate', async () => {
  const storage = new AsyncLocalStorage()
  /** @type {unknown[]} */
  const events = []
  const cleaned = deferred()
  async function* source() {
    try {
      for (;;) yield 'x'
    } finally {
      events.push(storage.getStore())
      await cleaned.promise
      events.push('cleaned')
    }
  }
  const results = storage.run('opener', () => pool.iterate(identity, source(), { concurrency: 1 }))
  await results.next()
  const returned = results.return?.().then(() => events.push('returned'))
  while (events.length === 0) await new Promise(resolve => setImmediate(resolve))
  cleaned.resolve(undefined)
  await returned
  assert.deepEqual(events, ['opener', 'cleaned', 'returned'])
})

test('breaking out of the loop does not wait for pending inputs', async () => {
  async function* source() {
    yield 'x'
    await new Promise(() => {})
  }
  for await (const result of pool.iterate(identity, source())) {
    assert.equal(String(result), 'x')
    break
  }
})

for (const verb of /** @type {const} */ (['map', 'iterate'])) {
  test(`${verb}: inputs that abort their own signal and then throw reject once`, async () => {
    const stop = new AbortController()
    async function* rows() {
      yield 'a'
      stop.abort()
      throw new Error('a bad row')
    }
    const { signal } = stop
    const read = async () => {
      if (verb === 'map') await pool.map(identity, rows(), { signal })
      else await collect(pool.iterate(identity, rows(), { signal }))
    }
    // An unhandled rejection fails the test.
    await assert.rejects(read(), { name: 'AbortError' })
  })
}
