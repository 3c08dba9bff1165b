'use strict'

// Features of the cache in combination: recency, failures, evictions, getMany and close.

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Cache } = require('../..')
const { clock } = require('../../lib/cache/clock')
const { deferred } = require('../support/deferred')

/** @typedef {'heap' | 'native'} Storage */

/** Mocks the clock of caches; returns a function that advances it. @param {import('node:test').TestContext} t */
function mockClock(t) {
  const start = clock.now()
  let elapsed = 0
  t.mock.method(clock, 'now', () => start + elapsed)
  return (/** @type {number} */ millis) => {
    elapsed += millis
  }
}

for (const storage of /** @type {Storage[]} */ (['heap', 'native'])) {
  test(`a get without a loader counts as a use, ${storage}`, async () => {
    const cache = new Cache({ max: 2, storage })
    cache.set('a', 1)
    cache.set('b', 2)
    await cache.get('a')
    cache.set('c', 3)
    assert.deepEqual([...cache.entries()].map(([id]) => id).sort(), ['a', 'c'])
    await assert.rejects(cache.get('z'), { code: 'ERR_INVALID_ARG_TYPE' })
    const { hits, misses } = cache.stats()
    assert.deepEqual([hits, misses], [1, 1])
  })

  test(`a get of an entry due for refresh counts as a use, ${storage}`, async t => {
    const advance = mockClock(t)
    const load = () => new Promise(() => {})
    const cache = new Cache({ max: 2, storage, refreshAfter: 20, jitter: 0, load })
    cache.set('b', 1)
    advance(30)
    cache.set('a', 1)
    await cache.get('a')
    await cache.get('b')
    cache.set('c', 3)
    assert.deepEqual([...cache.entries()].map(([id]) => id).sort(), ['b', 'c'])
    cache.close()
  })

  test(`clear keeps the hit count, ${storage}`, async () => {
    const cache = new Cache({ max: 2, storage })
    cache.set('a', 1)
    for (let count = 0; count < 100; count++) await cache.get('a')
    cache.clear()
    assert.equal(cache.stats().hits, 100)
  })

  test(`a failed load of a deleted id does not replace a newer error, ${storage}`, async () => {
    const cache = new Cache({ max: 9, storage, errorTtl: 10_000 })
    const gate = deferred()
    const old = cache.get('a', async () => {
      await gate.promise
      throw new Error('old')
    })
    cache.delete('a')
    const fails = async () => {
      throw new Error('new')
    }
    await assert.rejects(cache.get('a', fails), { message: 'new' })
    gate.resolve(undefined)
    await assert.rejects(old, { message: 'old' })
    await assert.rejects(
      cache.get('a', () => 1),
      { message: 'new' }
    )
  })

  test(`peek and has evict expired entries, ${storage}`, async t => {
    const advance = mockClock(t)
    /** @type {unknown[]} */
    const evicted = []
    const onEvict = (/** @type {any} */ ...args) => evicted.push(args)
    const cache = new Cache({ max: 9, storage, ttl: 10, jitter: 0, onEvict })
    cache.set('a', 1)
    cache.set('b', 2)
    advance(20)
    assert.deepEqual([cache.size, cache.peek('a'), cache.has('b'), cache.size], [2, undefined, false, 0])
    while (evicted.length < 2) await turn()
    assert.deepEqual(evicted, [
      ['a', 1, 'ttl'],
      ['b', 2, 'ttl']
    ])
  })

  test(`an expired value is not passed as previous, ${storage}`, async t => {
    const advance = mockClock(t)
    const cache = new Cache({ max: 9, storage, ttl: 10, jitter: 0 })
    cache.set('a', 1)
    advance(20)
    assert.deepEqual(await cache.get('a', (_, { previous }) => ({ previous })), { previous: undefined })
  })

  test(`getMany refreshes all ids that are due in one load, ${storage}`, async t => {
    const advance = mockClock(t)
    const cache = new Cache({ max: 99, storage, refreshAfter: 5, jitter: 0 })
    const ids = Array.from({ length: 50 }, (_, id) => `${id}`)
    /** @type {string[][]} */
    const requests = []
    const load = async (/** @type {string[]} */ ids) => {
      requests.push(ids)
      return ids
    }
    await cache.getMany(ids, load)
    advance(10)
    assert.equal((await cache.getMany(ids, load)).size, 50)
    assert.deepEqual(requests, [ids, ids])
    await turn()
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`no caller receives an id that loadMany did not return, ${storage}`, async () => {
    const cache = new Cache({ max: 9, storage })
    const gate = deferred()
    const load = async () => {
      await gate.promise
      return new Map()
    }
    const requests = [cache.getMany(['n'], load), cache.getMany(['n'], load)]
    gate.resolve(undefined)
    for (const found of await Promise.all(requests)) assert.equal(found.size, 0)
    assert.equal(cache.has('n'), false)
    // One id is absent and one fails, so this is a partial failure.
    const failing = async () => new Map([['bad', new Error('bad')]])
    const error = await cache.getMany(['gone', 'bad'], failing).catch(error => error)
    assert.deepEqual([error.name, error.ids], ['AggregateError', ['bad']])
  })

  test(`onEvict runs in the async context of the call that evicted, ${storage}`, async () => {
    const context = new AsyncLocalStorage()
    /** @type {unknown[]} */
    const notified = []
    const cache = new Cache({ max: 1, storage, onEvict: id => notified.push([id, context.getStore()]) })
    context.run('first', () => cache.set('a', 1))
    context.run('second', () => cache.set('b', 2))
    context.run('third', () => cache.set('c', 3))
    while (notified.length < 2) await turn()
    const expected = storage === 'heap' ? ['second', 'third'] : ['second', 'second']
    assert.deepEqual(notified, [
      ['a', expected[0]],
      ['b', expected[1]]
    ])
  })

  test(`a loader runs in the async context of its caller, which keeps it, ${storage}`, async () => {
    const context = new AsyncLocalStorage()
    /** @type {unknown[]} */
    const seen = []
    const note = async () => {
      seen.push(context.getStore())
      await turn()
      seen.push(context.getStore())
    }
    const cache = new Cache({ max: 10, storage, load: note })
    for (const caller of ['first', 'second']) {
      await context.run(caller, async () => {
        const loading = [cache.get(caller), cache.getMany([`${caller} of many`], () => note().then(() => new Map()))]
        assert.equal(context.getStore(), caller)
        await Promise.all(loading)
        assert.equal(context.getStore(), caller)
      })
    }
    assert.deepEqual(seen, [...Array(4).fill('first'), ...Array(4).fill('second')])
    assert.equal(context.getStore(), undefined)
  })

  test(`limits queued notifications when many entries are evicted together, ${storage}`, async t => {
    const advance = mockClock(t)
    let notified = 0
    const onEvict = () => notified++
    const cache = new Cache({ max: 20_000, storage, ttl: 10, jitter: 0, onEvict, load: () => new Promise(() => {}) })
    for (let id = 0; id < 20_000; id++) cache.set(`${id}`, id)
    cache.resize({ max: 10_000 })
    assert.ok(notified >= 10_000 - 1100, `${notified}`)
    advance(20)
    for (let id = 10_000; id < 20_000; id++) cache.get(`${id}`).catch(() => {})
    assert.ok(notified >= 20_000 - 1100, `${notified}`)
    cache.close()
  })

  test(`any value thrown by onEvict becomes a warning, ${storage}`, async () => {
    /** @type {(() => unknown)[]} */
    const answers = [
      () => {
        throw Object.create(null)
      },
      async () => {
        throw new Error('later')
      },
      () => 'fine'
    ]
    let notified = 0
    const cache = new Cache({ max: 1, storage, onEvict: () => /** @type {any} */ (answers[notified++]()) })
    /** @type {string[]} */
    const warnings = []
    const listener = (/** @type {Error} */ { message }) => warnings.push(message)
    process.on('warning', listener)
    for (let id = 0; id < 4; id++) cache.set(`${id}`, id)
    while (warnings.length < 2 || notified < 3) await turn()
    process.off('warning', listener)
    const expected = ["'0': a value that cannot be converted to a string", "'1': Error: later"]
    assert.deepEqual(
      warnings,
      expected.map(text => `onEvict of a cache failed for ${text}`)
    )
    assert.equal(notified, 3)
  })
}

test('closing the cache from an abort listener rejects all callers', async () => {
  const cache = new Cache({ max: 9 })
  const controller = new AbortController()
  const load = (/** @type {string} */ _, /** @type {any} */ { signal }) => {
    signal.addEventListener('abort', () => cache.close())
    return new Promise(() => {})
  }
  const requests = ['a', 'b'].map(id => cache.get(id, { load, signal: controller.signal }))
  const settled = Promise.allSettled(requests)
  controller.abort(new Error('left'))
  const [a, b] = await settled
  assert.deepEqual([a.status, b.status], ['rejected', 'rejected'])
})

test('a loader that closes the cache rejects the rest of getMany', async t => {
  const advance = mockClock(t)
  const load = async (/** @type {string} */ id) => {
    if (id === 's') cache.close()
    return 1
  }
  const cache = new Cache({ max: 9, ttl: 10, jitter: 0, staleWhileRevalidate: 10_000, load })
  cache.set('s', 1)
  advance(20)
  await assert.rejects(cache.getMany(['m', 's', 'n']), AggregateError)
  await turn()
})

test('set throws when weigh closes the cache', () => {
  /** @type {Cache<string, unknown> | undefined} */
  let second
  const weigh = () => {
    first.close()
    second = new Cache({ max: 9 })
    return 1
  }
  const first = new Cache({ max: 9, weigh })
  assert.throws(() => first.set('a', 1), { code: 'ERR_OFFLOOP_CLOSED' })
  assert.deepEqual([...(second ?? [])], [])
})

test('ignores an own length property when weighing bytes', () => {
  class Liar extends Uint8Array {
    get length() {
      return 0
    }
  }
  const cache = new Cache({ maxBytes: 1000, storage: 'native', codec: 'bytes' })
  for (let id = 0; id < 5; id++) cache.set(`${id}`, new Liar(1000))
  assert.deepEqual([cache.size, cache.bytes], [1, 1000])
})
