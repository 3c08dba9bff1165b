'use strict'

const assert = require('node:assert/strict')
const { afterEach, beforeEach, test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Cache } = require('../..')
const { stopClock } = require('../support/clock')
const { deferred } = require('../support/deferred')

/** @type {ReturnType<typeof stopClock>} */
let clock
beforeEach(() => {
  clock = stopClock()
})
afterEach(() => clock.restore())

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  /** @param {Partial<import('../../index').CacheOptions<any, any>>} options */
  const open = options => new Cache({ max: 100, jitter: 0, storage, ...options })

  test(`a value is fresh for its ttl, ${storage}`, async () => {
    const cache = open({ ttl: 1000, load: () => 'new' })
    cache.set('a', 1)
    cache.set('own', 2, { ttl: 5000 })
    assert.equal(await cache.get('loaded'), 'new')
    clock.advance(999)
    assert.deepEqual([cache.peek('a'), cache.has('a'), await cache.get('a')], [1, true, 1])
    clock.advance(1)
    assert.deepEqual([cache.peek('a'), cache.has('a'), cache.has('own')], [undefined, false, true])
    assert.equal(await cache.get('a'), 'new')
    clock.advance(3999)
    assert.deepEqual([cache.peek('own'), [...cache.entries()]], [2, [['own', 2]]])
    clock.advance(1)
    assert.equal(cache.has('own'), false)
    assert.equal(cache.delete('own'), false)
  })

  test(`a loader sets the ttl of its value, ${storage}`, async () => {
    const cache = open({ ttl: 1000 })
    await cache.get('a', (_, context) => {
      assert.equal(context.previous, undefined)
      context.ttl = 10
      return 1
    })
    clock.advance(10)
    assert.equal(cache.has('a'), false)
    cache.clear()
    await cache.get('b', (_, context) => {
      context.ttl = 0
      return 1
    })
    assert.equal(cache.size, 0)
    const bad = cache.get('c', (_, context) => {
      context.ttl = -1
      return 1
    })
    await assert.rejects(bad, { code: 'ERR_OUT_OF_RANGE', message: /context\.ttl.*-1/ })
  })

  test(`jitter spreads expiry and only shortens it, ${storage}`, () => {
    const cache = open({ ttl: 1000, jitter: 0.5, max: 1000 })
    for (let id = 0; id < 1000; id++) cache.set(id, id)
    clock.advance(499)
    assert.equal([...cache.entries()].length, 1000)
    clock.advance(251)
    const half = [...cache.entries()].length
    assert.ok(half > 400 && half < 600, `${half} of 1000`)
    clock.advance(250)
    assert.equal([...cache.entries()].length, 0)
  })

  test(`refreshAfter returns the value immediately and reloads once in the background, ${storage}`, async () => {
    const { promise, resolve } = deferred()
    let loads = 0
    const cache = open({
      ttl: 1000,
      refreshAfter: 100,
      load: (_, { previous }) => {
        loads++
        assert.equal(previous, 1)
        return promise
      }
    })
    cache.set('a', 1)
    clock.advance(99)
    assert.deepEqual([await cache.get('a'), loads], [1, 0])
    clock.advance(1)
    assert.deepEqual([await cache.get('a'), await cache.get('a'), loads], [1, 1, 1])
    resolve(2)
    await promise
    await turn()
    assert.deepEqual([await cache.get('a'), loads, cache.stats().loads], [2, 1, 1])
  })

  test(`serves a stale value only within staleWhileRevalidate, ${storage}`, async () => {
    const cache = open({ ttl: 100, staleWhileRevalidate: 50 })
    cache.set('a', 1)
    clock.advance(149)
    const { promise, resolve } = deferred()
    assert.equal(await cache.get('a', () => promise), 1)
    assert.deepEqual([cache.has('a'), cache.stats().staleHits], [false, 1])
    clock.advance(1)
    const waits = cache.get('a', () => assert.fail('must join the load in flight'))
    resolve(2)
    assert.equal(await waits, 2)
    assert.equal(cache.peek('a'), 2)
  })

  test(`serves a stale value after a failed reload only within staleIfError, ${storage}`, async () => {
    const cache = open({ ttl: 100, staleIfError: 50, load: () => Promise.reject(new Error('down')) })
    cache.set('a', 1)
    clock.advance(149)
    assert.equal(await cache.get('a'), 1)
    assert.equal(await cache.get('a', () => 2), 2)
    clock.advance(150)
    await assert.rejects(cache.get('a'), /down/)
  })

  test(`errorTtl rejects with the cached error until it expires, ${storage}`, async () => {
    let loads = 0
    const error = new Error('down')
    const cache = open({
      errorTtl: 100,
      load: () => {
        loads++
        throw error
      }
    })
    for (let i = 0; i < 5; i++) await assert.rejects(cache.get('a'), it => it === error)
    assert.equal(loads, 1)
    clock.advance(100)
    await assert.rejects(cache.get('a'))
    assert.equal(loads, 2)
    cache.set('a', 1)
    assert.equal(await cache.get('a'), 1)
    await assert.rejects(cache.get('b'))
    cache.delete('b')
    assert.equal(await cache.get('b', () => 5), 5)
  })

  test(`serves the stale value during errorTtl, ${storage}`, async () => {
    let loads = 0
    const load = () => {
      loads++
      throw new Error('down')
    }
    const cache = open({ ttl: 10, staleIfError: 1000, errorTtl: 100, load })
    cache.set('a', 1)
    clock.advance(10)
    for (let i = 0; i < 5; i++) assert.equal(await cache.get('a'), 1)
    assert.equal(loads, 1)
  })

  test(`serves a value during errorTtl only while it may be served, ${storage}`, async () => {
    let loads = 0
    const load = () => {
      loads++
      throw new Error('down')
    }
    const due = open({ ttl: 1000, refreshAfter: 10, errorTtl: 500, load })
    due.set('a', 1)
    clock.advance(20)
    for (let i = 0; i < 5; i++) {
      assert.equal(await due.get('a'), 1)
      await turn()
    }
    assert.equal(loads, 1)
    const stale = open({ ttl: 100, staleWhileRevalidate: 1000, errorTtl: 500, load })
    stale.set('a', 1)
    clock.advance(150)
    for (let i = 0; i < 3; i++) {
      assert.equal(await stale.get('a'), 1)
      await turn()
    }
    assert.equal(loads, 2)
    const errorOnly = open({ ttl: 50, staleIfError: 100, errorTtl: 60_000, load })
    errorOnly.set('a', 1)
    clock.advance(149)
    assert.equal(await errorOnly.get('a'), 1)
    clock.advance(1)
    await assert.rejects(errorOnly.get('a'), /down/)
    assert.equal(loads, 3)
    assert.equal(await errorOnly.refresh('a').catch(() => 'loads'), 'loads')
    assert.equal(loads, 4)
  })

  test(`accepts a ttl longer than the maximum timer, ${storage}`, async () => {
    const month = 30 * 24 * 3600 * 1000
    const cache = open({ ttl: month })
    cache.set('a', 1, { ttl: month })
    await cache.get('b', (_, context) => {
      context.ttl = month
      return 2
    })
    clock.advance(month - 1)
    assert.deepEqual([cache.peek('a'), cache.peek('b')], [1, 2])
    assert.throws(() => new Cache({ max: 1, loadTimeout: month }), { code: 'ERR_OUT_OF_RANGE' })
  })

  test(`evicts expired entries first, ${storage}`, () => {
    const cache = open({ max: 3 })
    cache.set('long', 1)
    cache.set('short', 2, { ttl: 10 })
    cache.set('other', 3)
    clock.advance(10)
    cache.set('new', 4)
    assert.deepEqual([cache.has('long'), cache.size, cache.stats().evictions.ttl], [true, 3, 1])
  })
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`refuses a refreshAfter that is not less than ttl, ${storage}`, () => {
    for (const [ttl, refreshAfter] of [
      [100, 100],
      [100, 101],
      [0, 0]
    ]) {
      assert.throws(() => new Cache({ max: 5, storage, ttl, refreshAfter }), {
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
        message: `The value of "options.refreshAfter" is out of range. It must be less than "options.ttl" (${ttl}). Received ${refreshAfter}`
      })
    }
    new Cache({ max: 5, storage, ttl: 100, refreshAfter: 99.5 }).close()
    new Cache({ max: 5, storage, refreshAfter: 1e9 }).close()
  })

  test(`an entry without a ttl of its cache is refreshed before its own ttl ends, ${storage}`, async () => {
    const clock = stopClock()
    try {
      let loads = 0
      const load = (/** @type {string} */ _, /** @type {any} */ context) => {
        context.ttl = 100
        return ++loads
      }
      const cache = new Cache({ max: 5, storage, refreshAfter: 10, load })
      await cache.get('a')
      clock.advance(20)
      assert.deepEqual([await cache.get('a'), loads], [1, 2])
    } finally {
      clock.restore()
    }
  })

  test(`times may have a fraction, in options, set and context.ttl, ${storage}`, async () => {
    const clock = stopClock()
    try {
      const load = (/** @type {string} */ _, /** @type {any} */ context) => {
        context.ttl = 1.5
        return 1
      }
      const times = { ttl: 1.5, staleWhileRevalidate: 0.5, staleIfError: 0.5, errorTtl: 0.5, refreshAfter: 1.25 }
      const cache = new Cache({ max: 5, storage, jitter: 0, ...times })
      cache.set('default', 1)
      cache.set('own', 1, { ttl: 1.5 })
      await cache.get('loaded', load)
      clock.advance(1.25)
      assert.deepEqual([...cache.keys()].sort(), ['default', 'loaded', 'own'])
      clock.advance(0.5)
      assert.deepEqual([...cache.keys()], [])
    } finally {
      clock.restore()
    }
    for (const ttl of [-0.5, NaN, Infinity]) {
      assert.throws(() => new Cache({ max: 5, storage, ttl }), { code: 'ERR_OUT_OF_RANGE', message: /"options\.ttl"/ })
    }
  })
}
