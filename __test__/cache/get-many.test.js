'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Cache } = require('../..')
const { stopClock } = require('../support/clock')
const { deferred } = require('../support/deferred')

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  /** @param {Partial<import('../../index').CacheOptions<any, any>>} [options] */
  const open = options => new Cache({ max: 100, storage, ...options })

  test(`passes the previous value to the cache's loader, ${storage}`, async () => {
    const clock = stopClock()
    try {
      /** @type {unknown[]} */
      const previousValues = []
      const cache = open({ ttl: 10, staleIfError: 1000, load: (_, { previous }) => previousValues.push(previous) })
      cache.set('a', 'old')
      clock.advance(20)
      await cache.getMany(['a', 'b'])
      assert.deepEqual(previousValues, ['old', undefined])
    } finally {
      clock.restore()
    }
  })

  test(`aborts the signal of loadMany when no caller waits, ${storage}`, async () => {
    const cache = open()
    const { promise } = deferred()
    /** @type {AbortSignal | undefined} */
    let signal
    const pending = cache.getMany(['a', 'b'], (_, context) => {
      signal = context.signal
      return /** @type {Promise<any>} */ (promise)
    })
    assert.equal(signal?.aborted, false)
    cache.close()
    assert.equal(signal?.aborted, true)
    await assert.rejects(pending, { code: 'ERR_OFFLOOP_CLOSED' })
  })

  test(`loads missing ids in one call and returns results in the order of the ids, ${storage}`, async () => {
    const cache = open()
    cache.set('b', 'cached')
    const { promise, resolve } = deferred()
    const single = cache.get('c', () => promise)
    /** @type {any[]} */
    const calls = []
    const pending = cache.getMany(['a', 'b', 'c', 'd', 'a'], async (ids, { signal }) => {
      calls.push([ids, signal instanceof AbortSignal])
      return new Map(ids.map(id => [id, `loaded ${id}`]))
    })
    resolve('flight')
    const expected = [
      ['a', 'loaded a'],
      ['b', 'cached'],
      ['c', 'flight'],
      ['d', 'loaded d']
    ]
    assert.deepEqual([...(await pending)], expected)
    assert.deepEqual(calls, [[['a', 'd'], true]])
    assert.equal(await single, 'flight')
    assert.deepEqual([...(await cache.getMany(['a', 'd'], () => assert.fail('loads')))], [expected[0], expected[3]])
    assert.deepEqual([...(await cache.getMany([], () => assert.fail('loads')))], [])
  })

  test(`get and getMany join a getMany in flight, ${storage}`, async () => {
    const cache = open()
    const { promise, resolve } = deferred()
    const pending = cache.getMany(['a', 'b'], () => promise)
    const one = cache.get('b', () => assert.fail('loads'))
    const both = cache.getMany(['b', 'a'], () => assert.fail('loads'))
    resolve([1, 2])
    assert.equal(await one, 2)
    assert.deepEqual(
      [...(await pending)],
      [
        ['a', 1],
        ['b', 2]
      ]
    )
    assert.deepEqual(
      [...(await both)],
      [
        ['b', 2],
        ['a', 1]
      ]
    )
  })

  test(`omits ids that loadMany did not return, ${storage}`, async () => {
    const cache = open()
    const pending = cache.getMany(['a', 'b'], async () => new Map([['a', undefined]]))
    assert.deepEqual([...(await pending)], [['a', undefined]])
    assert.deepEqual([cache.has('a'), cache.has('b')], [true, false])
  })

  test(`reports the failed ids and keeps the loaded ones, ${storage}`, async () => {
    const cache = open()
    const bad = new Error('bad')
    const pending = cache.getMany(['a', 'b', 'c'], async ids => ids.map(id => (id === 'b' ? bad : id)))
    const error = await pending.then(
      () => assert.fail('resolves'),
      error => error
    )
    assert.ok(error instanceof AggregateError)
    assert.match(error.message, /1 of 3 ids could not be loaded: 'b'/)
    assert.deepEqual([error.errors, Reflect.get(error, 'ids')], [[bad], ['b']])
    assert.deepEqual(
      [...Reflect.get(error, 'results')],
      [
        ['a', 'a'],
        ['c', 'c']
      ]
    )
    assert.deepEqual([cache.peek('a'), cache.has('b')], ['a', false])
    const all = cache.getMany(['x', 'y'], () => Promise.reject(bad))
    await assert.rejects(all, it => it === bad)
    await assert.rejects(
      cache.getMany(['x', 'y'], () => {
        throw bad
      }),
      it => it === bad
    )
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`calls the cache's own loader for each id, ${storage}`, async () => {
    const cache = open({ load: id => (id === 'bad' ? Promise.reject(new Error('no')) : `loaded ${id}`) })
    assert.deepEqual(
      [...(await cache.getMany(['a', 'b']))],
      [
        ['a', 'loaded a'],
        ['b', 'loaded b']
      ]
    )
    await assert.rejects(cache.getMany(['c', 'bad']), { message: /1 of 2 ids.*'bad'/ })
    assert.equal(cache.peek('c'), 'loaded c')
    await assert.rejects(open().getMany(['a']), { code: 'ERR_INVALID_ARG_TYPE', message: /no loader/ })
  })

  test(`rejects invalid arguments and results, ${storage}`, async () => {
    const cache = open()
    const any = (/** @type {any} */ value) => value
    await assert.rejects(
      cache.getMany(any('abc'), () => new Map()),
      { code: 'ERR_INVALID_ARG_TYPE', message: /"ids"/ }
    )
    await assert.rejects(
      cache.getMany(any([{}]), () => new Map()),
      { code: 'ERR_INVALID_ARG_TYPE', message: /"id"/ }
    )
    await assert.rejects(cache.getMany(['a'], any(5)), { code: 'ERR_INVALID_ARG_TYPE', message: /loadMany/ })
    await assert.rejects(
      cache.getMany(['a'], () => any('x')),
      { message: /result of loadMany must be a Map or an Array/ }
    )
    await assert.rejects(
      cache.getMany(['a', 'b'], async () => [1]),
      { message: /2 values, one for each id\. Received 1/ }
    )
    assert.equal(cache.stats().inFlight, 0)
  })
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`an id with a cached error does not fail the other loads, ${storage}`, async () => {
    const cache = new Cache({ max: 10, storage, errorTtl: 60_000 })
    await assert.rejects(
      cache.get('bad', () => Promise.reject(new Error('down'))),
      /down/
    )
    const pending = cache.getMany(['a', 'bad', 'b'], ids => ids.map(id => id))
    await assert.rejects(pending, { message: /1 of 3 ids could not be loaded: 'bad'/ })
    assert.deepEqual([cache.peek('a'), cache.peek('b'), cache.stats().inFlight], ['a', 'b', 0])
  })

  test(`refreshes a stale id with the given loader, ${storage}`, async () => {
    const clock = stopClock()
    try {
      const cache = new Cache({ max: 10, storage, ttl: 10, jitter: 0, staleWhileRevalidate: 100 })
      cache.set('a', 'old')
      clock.advance(10)
      assert.deepEqual([...(await cache.getMany(['a'], async ids => ids.map(id => `new ${id}`)))], [['a', 'old']])
      assert.equal(await cache.refresh.call(cache, 'a').catch(error => error.code), 'ERR_INVALID_ARG_TYPE')
      while (cache.stats().inFlight > 0) await new Promise(resolve => setImmediate(resolve))
      assert.equal(cache.peek('a'), 'new a')
    } finally {
      clock.restore()
    }
  })

  test(`passes the cache's own loader the same context as get, ${storage}`, async () => {
    const load = (/** @type {string} */ id, /** @type {any} */ context) => {
      context.store = id !== 'out'
      return context.signal instanceof AbortSignal
    }
    const cache = new Cache({ max: 10, storage, load })
    assert.deepEqual(
      [...(await cache.getMany(['in', 'out']))],
      [
        ['in', true],
        ['out', true]
      ]
    )
    assert.deepEqual([cache.has('in'), cache.has('out')], [true, false])
  })
}
