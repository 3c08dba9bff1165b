'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { subscribe, tracingChannel, unsubscribe } = require('node:diagnostics_channel')
const { finished } = require('node:stream/promises')
const { test } = require('node:test')
const { Cache, Pool, transforms } = require('../..')

const EVENTS = /** @type {const} */ (['start', 'end', 'asyncStart', 'asyncEnd', 'error'])
const sha256 = transforms.digest('sha256', { encoding: 'hex' })

/**
 * Collects the events of a channel during `work`.
 * @param {string} name
 * @param {() => unknown} work
 */
async function eventsOf(name, work) {
  /** @type {{ event: string, context: any }[]} */
  const events = []
  const listeners = EVENTS.map(event => {
    const listener = (/** @type {any} */ context) => events.push({ event, context })
    subscribe(`tracing:${name}:${event}`, listener)
    return { channel: `tracing:${name}:${event}`, listener }
  })
  try {
    await work()
  } finally {
    for (const { channel, listener } of listeners) unsubscribe(channel, listener)
  }
  return events
}

test('publishes the start and the result of a run', async t => {
  const pool = new Pool({ name: 'traced', threads: 1 })
  t.after(() => pool.close())
  /** @type {unknown} */
  let result
  const events = await eventsOf('offloop:task', async () => {
    result = await pool.run(sha256, 'a')
  })
  assert.deepEqual(
    events.map(({ event }) => event),
    ['start', 'end', 'asyncStart', 'asyncEnd']
  )
  assert.deepEqual({ ...events[0].context }, { pool: 'traced', verb: 'run', transform: 'digest', result })
  assert.ok(events.every(({ context }) => context === events[0].context))
})

test('publishes the error of a failed task', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const corrupt = await eventsOf('offloop:task', () =>
    assert.rejects(pool.run(transforms.gunzip(), Buffer.from('no gzip')))
  )
  const error = corrupt.find(({ event }) => event === 'error')?.context.error
  assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA')
  const wrong = await eventsOf('offloop:task', () => assert.rejects(pool.run(/** @type {any} */ (undefined), '')))
  assert.equal(wrong[0].context.transform, undefined)
  assert.equal(wrong.find(({ event }) => event === 'error')?.context.error.code, 'ERR_INVALID_ARG_TYPE')
})

test('publishes a map once, regardless of its inputs', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const inputs = Array.from({ length: 1000 }, (_, index) => `input ${index}`)
  const events = await eventsOf('offloop:task', () => pool.map(sha256, inputs))
  assert.equal(events.filter(({ event }) => event === 'asyncEnd').length, 1)
  assert.equal(events[0].context.verb, 'map')
  assert.equal(events[0].context.result.length, inputs.length)
})

test('publishes each load of a cache, but not hits or coalesced calls', async () => {
  const cache = new Cache({ max: 10, load: async (/** @type {string} */ id) => id.toUpperCase() })
  const events = await eventsOf('offloop:load', () => Promise.all([cache.get('a'), cache.get('a'), cache.get('b')]))
  const ended = events.filter(({ event }) => event === 'asyncEnd').map(({ context }) => ({ ...context }))
  const common = { cache: undefined, isBackground: false }
  assert.deepEqual(ended, [
    { ...common, id: 'a', result: 'A' },
    { ...common, id: 'b', result: 'B' }
  ])
  const hits = await eventsOf('offloop:load', () => cache.get('a'))
  assert.deepEqual(hits, [])
})

test('synchronous loaders work the same when traced', async () => {
  const cache = new Cache({ max: 10 })
  const events = await eventsOf('offloop:load', async () => {
    assert.equal(await cache.get('now', () => 1), 1)
    await assert.rejects(
      cache.get('fails', () => {
        throw new RangeError('no')
      }),
      RangeError
    )
  })
  assert.equal(cache.peek('now'), 1)
  assert.equal(events.find(({ event }) => event === 'error')?.context.error.message, 'no')
})

test('stores the value of a synchronous loader immediately when traced', async () => {
  const cache = new Cache({ max: 10, load: (/** @type {string} */ id) => ({ id }) })
  const events = await eventsOf('offloop:load', () => {
    const got = cache.get('a')
    assert.deepEqual(cache.peek('a'), { id: 'a' })
    return got
  })
  assert.deepEqual(
    events.map(({ event }) => event),
    ['start', 'end', 'asyncStart', 'asyncEnd']
  )
  assert.deepEqual(events[0].context.result, { id: 'a' })
})

test('an id that loadMany does not return has no result', async () => {
  const cache = new Cache({ max: 10 })
  const events = await eventsOf('offloop:load', () => cache.getMany(['a', 'b'], async () => new Map([['a', 1]])))
  const ended = events.filter(({ event }) => event === 'asyncEnd').map(({ context }) => [context.id, context.result])
  assert.deepEqual(ended, [
    ['a', 1],
    ['b', undefined]
  ])
})

test('a store bound to the start event is visible in the loader', async () => {
  const span = new AsyncLocalStorage()
  const channel = tracingChannel('offloop:load')
  channel.start.bindStore(span, (/** @type {any} */ { id }) => `span of ${id}`)
  try {
    const cache = new Cache({ max: 10, load: async () => span.getStore() })
    assert.equal(await cache.get('a'), 'span of a')
  } finally {
    channel.start.unbindStore(span)
  }
})

test('publishes nothing after the last subscriber has unsubscribed', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const events = await eventsOf('offloop:task', () => pool.run(sha256, 'a'))
  const { length } = events
  await pool.run(sha256, 'b')
  assert.equal(events.length, length)
})

for (const [
  name,
  open
] of /** @type {[string, (pool: Pool) => import('../..').Sink<unknown> | import('../..').TransformDuplex][]} */ ([
  ['collect', pool => pool.collect(sha256, { highWaterMark: 1000 })],
  ['each', pool => pool.each(sha256, undefined, { highWaterMark: 1000 })],
  ['a stream', pool => pool.stream(transforms.gzip(), { highWaterMark: 1000 }).resume()]
])) {
  test(`${name} publishes a stall only when its writer has to wait`, async t => {
    const pool = new Pool({ name: 'stalling', threads: 1 })
    t.after(() => pool.close())
    /** @type {any[]} */
    const stalls = []
    const listener = (/** @type {unknown} */ stall) => stalls.push(stall)
    subscribe('offloop:stall', listener)
    t.after(() => unsubscribe('offloop:stall', listener))
    const stream = open(pool)
    stream.write(Buffer.alloc(10))
    await new Promise(resolve => stream.write(Buffer.alloc(10), resolve))
    assert.equal(stalls.length, 0)
    stream.write(Buffer.alloc(3000))
    stream.end(Buffer.alloc(3000))
    await finished(stream)
    assert.ok(stalls.length > 0)
    const { transform } = stalls[0]
    for (const stall of stalls) assert.deepEqual({ ...stall }, { stream, pool: 'stalling', transform })
    assert.equal(transform, name === 'a stream' ? 'gzip' : 'digest')
    assert.equal(stalls.length, stream.stats().stalls)
  })
}
