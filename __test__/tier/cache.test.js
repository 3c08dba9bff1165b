'use strict'

// The class, on tiers in memory: each cache stands for a process.

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { describe, test } = require('node:test')
const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { TieredCache } = require('../..')
const { MemoryTier, later } = require('../support/memory-tier.js')

/** A loader that counts its calls. @param {(id: any, context: any) => any} [load] */
function counting(load = id => `value of ${id}`) {
  const loader = Object.assign(
    (/** @type {any} */ id, /** @type {any} */ context) => {
      loader.calls.push(id)
      return load(id, context)
    },
    { calls: /** @type {any[]} */ ([]) }
  )
  return loader
}

describe('options', () => {
  const tier = new MemoryTier().tier()
  const valid = { name: 'users', max: 10, ttl: 1000, tier }
  const { get } = /** @type {any} */ (TieredCache.prototype)
  /** @type {[string, any, RegExp][]} */
  const invalid = [
    ['no tier', { ...valid, tier: undefined }, /"options\.tier" property must be a tier.*Received undefined/],
    ['another object as tier', { ...valid, tier: {} }, /"options\.tier" property must be a tier/],
    ['no name', { ...valid, name: undefined }, /"options\.name" property must be of type string/],
    ['an empty name', { ...valid, name: '' }, /"options\.name" property must not be empty/],
    ['no ttl', { ...valid, ttl: undefined }, /"options\.ttl" property must be of type number/],
    ['a ttl that never ends', { ...valid, ttl: Number.POSITIVE_INFINITY }, /"options\.ttl" is out of range/],
    ['a storage', { ...valid, storage: 'heap' }, /'options\.storage' is unknown/],
    ['no limit', { ...valid, max: undefined }, /"options\.max" and "options\.maxBytes" is required/],
    ['a refreshAfter above ttl', { ...valid, refreshAfter: 1000 }, /"options\.refreshAfter"/]
  ]
  for (const [what, options, message] of invalid) {
    test(`refuse ${what}`, () => assert.throws(() => new TieredCache(options), { message }))
  }

  test('of calls are checked', async t => {
    const cache = await new MemoryTier().cache(t)
    const code = 'ERR_INVALID_ARG_TYPE'
    await assert.rejects(cache.get({}), { code })
    await assert.rejects(cache.get('1', { maxStale: '0' }), { code })
    await assert.rejects(cache.get('1', { maxStale: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    await assert.rejects(cache.get('1', { stale: 1 }), { code: 'ERR_INVALID_ARG_VALUE' })
    await assert.rejects(cache.set('1', 1, { ttl: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    await assert.rejects(cache.delete('1', { everywhere: 1 }), { code })
    await assert.rejects(cache.deleteMany('1'), { code })
    await assert.rejects(cache.getMany(['1', null]), { code, message: /ids\[1\]/ })
    await assert.rejects(get.call({}, '1'), { code: 'ERR_INVALID_THIS' })
    await assert.rejects(cache.get('1'), { message: /There is no loader/ })
  })

  test('that differ from those of another process are refused', async t => {
    const host = new MemoryTier()
    await host.cache(t)
    const other = new TieredCache(/** @type {any} */ ({ ...valid, tier: host.tier(), codec: 'json' }))
    await assert.rejects(other.ready(), { code: 'ERR_INVALID_ARG_VALUE', message: /"codec":"v8".*"codec":"json"/ })
    await assert.rejects(
      other.get('1', () => 1),
      { code: 'ERR_INVALID_ARG_VALUE' }
    )
    other.close()
  })
})

describe('a value', () => {
  test('is loaded once, and then a copy', async t => {
    const host = new MemoryTier()
    const load = counting()
    const [one, other] = [await host.cache(t, { load }), await host.cache(t, { load })]
    assert.deepEqual(await Promise.all([one.get('1'), one.get('1'), other.get('1')]), Array(3).fill('value of 1'))
    assert.equal(await other.get('1'), 'value of 1')
    assert.deepEqual(load.calls, ['1'])
    assert.equal(one.peek('1'), 'value of 1')
    assert.equal(other.has('1'), true)
    assert.deepEqual([...one], [['1', 'value of 1']])
    assert.deepEqual([one.size, [...other.keys()], [...other.values()]], [1, ['1'], ['value of 1']])
    const { tier, loads } = one.stats()
    assert.deepEqual([loads, tier.leads, tier.state, tier.debts], [1, 1, 'sighted', 0])
  })

  test('keeps its type and its id', async t => {
    const host = new MemoryTier()
    const [one, other] = [await host.cache(t), await host.cache(t)]
    const ids = ['1', 1, 1n, '', 'n:1', '\ud800', '\udc00', 'é'.repeat(300), 'é'.repeat(301), -0, Number.NaN]
    for (const [index, id] of ids.entries()) await one.set(id, { index, at: new Date(index), map: new Map([[id, 1n]]) })
    for (const [index, id] of ids.entries()) {
      assert.deepEqual(await other.get(id), { index, at: new Date(index), map: new Map([[id, 1n]]) })
    }
    await one.delete('é'.repeat(300))
    await assert.rejects(other.get('é'.repeat(300)), /There is no loader/)
    assert.equal((await other.get('é'.repeat(301))).index, 8)
  })

  test('that is too large stays in its process', async t => {
    const host = new MemoryTier()
    const load = counting(id => 'x'.repeat(id))
    const caches = [await host.cache(t, { load }, { maxValueBytes: 100 }), await host.cache(t, { load })]
    for (const cache of [...caches, ...caches]) assert.equal((await cache.get(500)).length, 500)
    assert.deepEqual(load.calls, [500, 500])
    assert.equal(caches[0].stats().tier.oversized, 1)
    await caches[0].set(7, 'x'.repeat(500))
    assert.equal((await caches[0].get(7)).length, 500)
    assert.equal((await caches[1].get(7)).length, 7)
  })

  test('that cannot be decoded is loaded again', async t => {
    const host = new MemoryTier()
    const codec = (/** @type {string} */ version) => ({
      encode: (/** @type {unknown} */ value) => Buffer.from(version + JSON.stringify(value)),
      decode(/** @type {Buffer} */ bytes) {
        if (bytes.toString('latin1', 0, 1) !== version) throw new Error('another version')
        return JSON.parse(bytes.toString('utf8', 1))
      }
    })
    const load = counting()
    const [old, young] = [
      await host.cache(t, { load, codec: codec('1') }),
      await host.cache(t, { load, codec: codec('2') })
    ]
    await young.get('a')
    assert.equal(await old.get('a'), 'value of a')
    assert.equal(await young.get('a'), 'value of a')
    assert.equal(old.stats().tier.undecodable, 1)
    assert.ok(load.calls.length >= 2)
  })

  test('is compressed on the pool', async t => {
    const { compressorOf } = require('../../lib/tier/compressor')
    for (const format of ['lz4', 'zstd']) {
      const host = new MemoryTier()
      const settings = { compressor: compressorOf({ over: 10, with: format }, 1 << 20) }
      const [one, other] = [await host.cache(t, {}, settings), await host.cache(t, {}, settings)]
      const text = 'text '.repeat(10_000)
      await one.set('1', text)
      assert.equal(await other.get('1'), text)
      assert.ok(host.hub.bytes < 10_000, `${host.hub.bytes}`)
      const plain = await host.cache(t)
      assert.equal(await plain.get('1', () => 'loaded'), 'loaded')
    }
    for (const compress of [true, { with: 'gzip' }, { over: -1 }, { level: 'high' }, { pool: {} }, { size: 1 }]) {
      assert.throws(() => compressorOf(compress, 1), { code: /^ERR_(INVALID_ARG|OUT_OF)/ })
    }
  })

  test('is reloaded by one process when due', async t => {
    const host = new MemoryTier()
    let version = 0
    const load = counting(() => ++version)
    const options = { load, refreshAfter: 20, ttl: 60_000 }
    const caches = [await host.cache(t, options), await host.cache(t, options), await host.cache(t, options)]
    for (const cache of caches) assert.equal(await cache.get('1'), 1)
    while ((await caches[2].get('1')) === 1) await new Promise(resolve => setTimeout(resolve, 5))
    // The others were served the old value, or the one that a single reload has stored.
    assert.ok(load.calls.length <= version)
    for (const cache of caches) assert.ok((await cache.get('1')) > 1)
  })

  test('that is stale is served if its reload fails', async t => {
    const host = new MemoryTier()
    let fails = false
    const load = counting(() => {
      if (fails) throw new Error('no database')
      return 'value'
    })
    const options = { load, ttl: 20, staleIfError: 60_000 }
    const [one, other] = [await host.cache(t, options), await host.cache(t, options)]
    await one.get('1')
    fails = true
    while (load.calls.length < 3) {
      assert.equal(await one.get('1'), 'value')
      assert.equal(await other.get('1'), 'value')
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  })
})

describe('a load', () => {
  test('that fails rejects callers in all processes for `errorTtl`', async t => {
    const host = new MemoryTier()
    const load = counting(() => {
      throw Object.assign(new RangeError('no such user'), { status: 404 })
    })
    const options = { load, errorTtl: 60_000 }
    const [one, other] = [await host.cache(t, options), await host.cache(t, options)]
    await assert.rejects(one.get('1'), { name: 'RangeError', message: 'no such user', status: 404 })
    await assert.rejects(other.get('1'), error => error instanceof RangeError && Reflect.get(error, 'status') === 404)
    assert.equal(load.calls.length, 1)
    await other.delete('1')
    await assert.rejects(one.get('1'))
    assert.equal(load.calls.length, 2)
  })

  test('whose value is not stored passes it to waiting callers', async t => {
    const host = new MemoryTier()
    const held = later()
    const load = counting(async (_id, context) => {
      context.store = false
      return held.promise
    })
    const [one, other] = [await host.cache(t, { load }), await host.cache(t, { load })]
    const first = one.get('1')
    const second = other.get('1')
    while (other.stats().tier.waits + one.stats().tier.waits === 0) await new Promise(setImmediate)
    held.resolve('secret')
    assert.deepEqual([await first, await second], ['secret', 'secret'])
    assert.equal(load.calls.length, 1)
    await one.get('1')
    assert.equal(load.calls.length, 2)
  })

  test('does not store a value that was deleted or set meanwhile', async t => {
    for (const change of ['delete', 'set', 'clear', 'deleteMany']) {
      const host = new MemoryTier()
      const held = later()
      const [one, other] = [await host.cache(t, { load: () => held.promise }), await host.cache(t)]
      const waiting = one.get('1')
      while (one.stats().tier.leads === 0) await new Promise(setImmediate)
      if (change === 'set') await other.set('1', 'new')
      else if (change === 'deleteMany') await other.deleteMany(['0', '1'])
      else await other[change](...(change === 'delete' ? ['1'] : []))
      held.resolve('old')
      assert.equal(await waiting, 'old')
      assert.equal(one.stats().tier.denied, 1, change)
      assert.equal(await one.get('1', () => 'loaded again'), change === 'set' ? 'new' : 'loaded again')
    }
  })

  test('ends its lease with its last caller', async t => {
    const host = new MemoryTier()
    const [one, other] = [await host.cache(t), await host.cache(t)]
    const controller = new AbortController()
    /** @type {AbortSignal | undefined} */
    let signal
    const load = (/** @type {string} */ _id, /** @type {any} */ context) => {
      signal = context.signal
      return new Promise(() => {})
    }
    const left = one.get('1', { load, signal: controller.signal })
    while (signal === undefined) await new Promise(setImmediate)
    const waits = other.get('1', () => 'taken over')
    while (other.stats().tier.waits === 0) await new Promise(setImmediate)
    controller.abort()
    await assert.rejects(left, { name: 'AbortError' })
    assert.equal(signal.aborted, true)
    assert.equal(await waits, 'taken over')
  })

  test('that gets its own id is refused, also without copies', async t => {
    for (const maxStale of [1000, 0]) {
      const cache = await new MemoryTier().cache(t, {}, { maxStale })
      const inner = () => cache.get('1', inner)
      await assert.rejects(cache.get('1', inner), { code: 'ERR_OFFLOOP_RECURSIVE_LOAD' })
      assert.equal(await cache.get('1', () => cache.get('2', () => 'of 2')), 'of 2')
    }
  })

  test('runs in the async context of its caller', async t => {
    const storage = new AsyncLocalStorage()
    const cache = await new MemoryTier().cache(t, {}, { maxStale: 0 })
    const held = later()
    const load = async () => {
      const name = storage.getStore()
      await held.promise
      return name
    }
    const loads = ['a', 'b', 'c'].map(name => storage.run(name, () => cache.refresh('1', { load })))
    held.resolve()
    const names = await Promise.all(loads)
    assert.ok(
      names.every(name => ['a', 'b', 'c'].includes(name)),
      String(names)
    )
    assert.equal(names[0], 'a')
  })

  test('of many ids calls loadMany once for this process', async t => {
    const host = new MemoryTier()
    const [one, other] = [await host.cache(t), await host.cache(t)]
    await other.set('2', 'stored')
    const loadMany = counting(
      /** @type {any} */ (
        (/** @type {string[]} */ ids) => new Map(ids.filter(id => id !== '4').map(id => [id, `loaded ${id}`]))
      )
    )
    const values = await one.getMany(['1', '2', '3', '4', '1'], loadMany)
    assert.deepEqual(
      [...values],
      [
        ['1', 'loaded 1'],
        ['2', 'stored'],
        ['3', 'loaded 3']
      ]
    )
    assert.deepEqual(loadMany.calls, [['1', '3', '4']])
    assert.deepEqual(
      [...(await other.getMany(['1', '3'], loadMany))],
      [
        ['1', 'loaded 1'],
        ['3', 'loaded 3']
      ]
    )
    assert.equal(loadMany.calls.length, 1)
    const fails = () => Promise.reject(new Error('no database'))
    await assert.rejects(one.getMany(['7', '8'], fails), { message: 'no database' })
    await assert.rejects(one.getMany(['1', '9'], fails), (/** @type {any} */ error) => {
      assert.deepEqual([error.name, error.ids, [...error.results]], ['AggregateError', ['9'], [['1', 'loaded 1']]])
      return true
    })
    await assert.rejects(one.getMany(['1'], { signal: AbortSignal.abort() }), { name: 'AbortError' })
  })
})

describe('a call that accepts no copy', () => {
  test('sees each change, and receives unchanged values without their bytes', async t => {
    const host = new MemoryTier()
    const load = counting()
    /** @type {unknown[]} */
    const bodies = []
    const [one, other] = [
      await host.cache(t, { load }, { maxStale: 0 }, engine => ({
        ...engine,
        async take(...args) {
          const reply = await engine.take(...args)
          if (reply.kind === 'value') bodies.push(reply.body)
          return reply
        }
      })),
      await host.cache(t, { load })
    ]
    assert.equal(one.tierState, 'blind')
    assert.equal(await one.get('1'), 'value of 1')
    assert.equal(await one.get('1'), 'value of 1')
    await other.set('1', 'changed')
    assert.equal(await one.get('1'), 'changed')
    assert.equal(await one.get('1'), 'changed')
    assert.deepEqual(
      bodies.map(body => body === undefined),
      [true, false, true]
    )
    assert.deepEqual(load.calls, ['1'])
    assert.equal(one.peek('1'), undefined)
  })

  test('shares the next lookup with the others', async t => {
    let questions = 0
    const cache = await new MemoryTier().cache(t, {}, { maxStale: 0 }, engine => ({
      ...engine,
      take(...args) {
        questions++
        return engine.take(...args)
      }
    }))
    const load = counting()
    const values = await Promise.all(Array.from({ length: 100 }, () => cache.get('1', load)))
    assert.deepEqual(new Set(values), new Set(['value of 1']))
    assert.deepEqual([load.calls.length, questions], [1, 2])
  })
})

describe('a change', () => {
  test('reports whether there was a value', async t => {
    const host = new MemoryTier()
    const [one, other] = [await host.cache(t), await host.cache(t)]
    assert.equal(await one.delete('1'), false)
    assert.equal(await one.set('1', 'a'), undefined)
    assert.equal(await other.delete('1'), true)
    assert.equal(await one.set('1', 'a', { ttl: 5 }), undefined)
    while ((await other.get('1', () => 'loaded')) === 'a') await new Promise(setImmediate)
    assert.equal(await other.clear(), undefined)
    assert.equal(one.has('1'), false)
  })

  test('with everywhere resolves when no process is stale', async t => {
    const host = new MemoryTier()
    const lost = { isLost: false }
    const deaf = await host.cache(t, {}, { maxStale: 100 }, engine => ({
      ...engine,
      open: listener =>
        engine.open({
          ...listener,
          onConnected: () => listener.onConnected(),
          onDisconnected: reason => listener.onDisconnected(reason),
          onEcho: beat => lost.isLost || listener.onEcho(beat),
          onMessage: (...args) => lost.isLost || listener.onMessage(...args)
        })
    }))
    const writer = await host.cache(t, {}, { maxStale: 100 })
    await writer.set('1', 'old')
    await deaf.get('1')
    lost.isLost = true
    await writer.set('1', 'new', { everywhere: true })
    assert.equal(await deaf.get('1'), 'new')
  })

  test('that fails is repeated as a delete, and does not end the process', async t => {
    const host = new MemoryTier()
    let fails = false
    /** @type {string[]} */
    const errors = []
    /** @type {any[]} */
    const events = []
    const onEvent = (/** @type {any} */ event) => events.push(event)
    subscribe('offloop:tier', onEvent)
    t.after(() => unsubscribe('offloop:tier', onEvent))
    const settings = { maxStale: 60, timeout: 50, onError: (/** @type {Error} */ error) => errors.push(error.message) }
    const failing = await host.cache(t, {}, settings, engine => ({
      ...engine,
      drop: (...args) => (fails ? Promise.reject(new Error('out of order')) : engine.drop(...args))
    }))
    const other = await host.cache(t)
    await other.set('1', 'old')
    fails = true
    failing.delete('1')
    await assert.rejects(failing.delete('1'), { code: 'ERR_OFFLOOP_TIER', message: /out of order/ })
    assert.equal(failing.stats().tier.debts, 1)
    assert.equal(await failing.get('1', () => 'loaded'), 'loaded')
    assert.ok(errors.some(message => message.includes('out of order')))
    assert.ok(events.some(({ event, cache, id }) => event === 'debt' && cache === 'users' && id === '1'))
    fails = false
    while (failing.stats().tier.debts > 0) {
      await failing.get('2', () => 'keeps the beats going')
      await new Promise(setImmediate)
    }
    await assert.rejects(other.get('1', { maxStale: 0 }), /There is no loader/)
  })
})

describe('without the tier', () => {
  /** @type {(engine: any) => any} */
  const unreachable = engine => ({
    ...engine,
    open: (/** @type {any} */ listener) => listener.onDisconnected(new Error('no route'))
  })
  /**
   * @param {any} options
   * @param {any} settings
   */
  const lonely = (options, settings) =>
    new TieredCache({
      name: 'users',
      max: 10,
      ttl: 60_000,
      tier: new MemoryTier().tier({ timeout: 20, ...settings }, unreachable),
      ...options
    })

  test('each process loads, and keeps the value for maxStale', async () => {
    const load = counting()
    const cache = lonely({ load }, { maxStale: 60_000 })
    assert.equal(cache.tierState, 'down')
    assert.deepEqual(await Promise.all([cache.get('1'), cache.get('1')]), ['value of 1', 'value of 1'])
    await cache.get('1')
    assert.deepEqual(load.calls, ['1'])
    await cache.get('1', { maxStale: 0 })
    assert.deepEqual(load.calls, ['1', '1'])
    await assert.rejects(cache.set('1', 'x'), { code: 'ERR_OFFLOOP_TIER', message: /no route/ })
    await assert.rejects(cache.clear(), { code: 'ERR_OFFLOOP_TIER' })
    await assert.rejects(cache.ready({ signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' })
    cache.close()
  })

  test('whenDown is obeyed', async () => {
    const load = counting()
    const forgetful = lonely({ load }, { whenDown: 'load' })
    await forgetful.get('1')
    await forgetful.get('1')
    assert.equal(load.calls.length, 2)
    const strict = lonely({ load }, { whenDown: 'fail' })
    await assert.rejects(strict.get('1'), { code: 'ERR_OFFLOOP_TIER', message: /no route/ })
    for (const cache of [forgetful, strict]) cache.close()
  })
})

test('a closed cache or tier is refused', async t => {
  const host = new MemoryTier()
  const tier = host.tier()
  const cache = new TieredCache({ name: 'users', max: 10, ttl: 1000, tier })
  const waiting = cache.get('1', () => new Promise(() => {}))
  while (cache.stats().tier.leads === 0) await new Promise(setImmediate)
  cache.close()
  cache.close()
  await assert.rejects(waiting, { code: 'ERR_OFFLOOP_CLOSED' })
  await assert.rejects(cache.get('1'), { code: 'ERR_OFFLOOP_CLOSED' })
  await assert.rejects(cache.delete('1'), { code: 'ERR_OFFLOOP_CLOSED' })
  assert.deepEqual([cache.size, cache.bytes, cache.tierState], [0, 0, 'down'])
  await tier.close()
  await tier[Symbol.asyncDispose]()
  assert.throws(() => new TieredCache({ name: 'users', max: 10, ttl: 1000, tier }), { code: 'ERR_OFFLOOP_CLOSED' })
  assert.ok(t.name)
})
