'use strict'

// What happens at the edges of several promises at once: uses, failures, evictions, many ids, and the end.

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Cache } = require('../..')
const { clock } = require('../../lib/cache/clock')
const { deferred } = require('../support/deferred')

/** @typedef {'heap' | 'native'} Storage */

/** Moves the time of caches. @param {import('node:test').TestContext} t */
function movingClock(t) {
  const start = clock.now()
  let passed = 0
  t.mock.method(clock, 'now', () => start + passed)
  return (/** @type {number} */ millis) => {
    passed += millis
  }
}

for (const storage of /** @type {Storage[]} */ (['heap', 'native'])) {
  test(`a get without a loader is a use, ${storage}`, async () => {
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

  test(`uses count in their order, also of what is due, ${storage}`, async t => {
    const pass = movingClock(t)
    const load = () => new Promise(() => {})
    const cache = new Cache({ max: 2, storage, refreshAfter: 20, jitter: 0, load })
    cache.set('b', 1)
    pass(30)
    cache.set('a', 1)
    await cache.get('a')
    await cache.get('b')
    cache.set('c', 3)
    assert.deepEqual([...cache.entries()].map(([id]) => id).sort(), ['b', 'c'])
    cache.close()
  })

  test(`hits are counted before all is cleared, ${storage}`, async () => {
    const cache = new Cache({ max: 2, storage })
    cache.set('a', 1)
    for (let count = 0; count < 100; count++) await cache.get('a')
    cache.clear()
    assert.equal(cache.stats().hits, 100)
  })

  test(`a load that was forgotten fails without a trace, ${storage}`, async () => {
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

  test(`what is gone goes when peek or has meet it, ${storage}`, async t => {
    const pass = movingClock(t)
    /** @type {unknown[]} */
    const gone = []
    const onEvict = (/** @type {any} */ ...told) => gone.push(told)
    const cache = new Cache({ max: 9, storage, ttl: 10, jitter: 0, onEvict })
    cache.set('a', 1)
    cache.set('b', 2)
    pass(20)
    assert.deepEqual([cache.size, cache.peek('a'), cache.has('b'), cache.size], [2, undefined, false, 0])
    await turn()
    assert.deepEqual(gone, [
      ['a', 1, 'ttl'],
      ['b', 2, 'ttl']
    ])
  })

  test(`what is gone is nothing that was known before, ${storage}`, async t => {
    const pass = movingClock(t)
    const cache = new Cache({ max: 9, storage, ttl: 10, jitter: 0 })
    cache.set('a', 1)
    pass(20)
    assert.deepEqual(await cache.get('a', (_, { previous }) => ({ previous })), { previous: undefined })
  })

  test(`ids of one getMany that are due are loaded together, ${storage}`, async t => {
    const pass = movingClock(t)
    const cache = new Cache({ max: 99, storage, refreshAfter: 5, jitter: 0 })
    const ids = Array.from({ length: 50 }, (_, id) => `${id}`)
    /** @type {string[][]} */
    const asked = []
    const load = async (/** @type {string[]} */ ids) => {
      asked.push(ids)
      return ids
    }
    await cache.getMany(ids, load)
    pass(10)
    assert.equal((await cache.getMany(ids, load)).size, 50)
    assert.deepEqual(asked, [ids, ids])
    await turn()
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`nobody gets an id that a loader of many did not bring, ${storage}`, async () => {
    const cache = new Cache({ max: 9, storage })
    const gate = deferred()
    const load = async () => {
      await gate.promise
      return new Map()
    }
    const asked = [cache.getMany(['n'], load), cache.getMany(['n'], load)]
    const single = cache.get('n', () => 'never')
    gate.resolve(undefined)
    for (const found of await Promise.all(asked)) assert.equal(found.size, 0)
    assert.equal(await single, undefined)
    assert.equal(cache.has('n'), false)
    // One is absent and one fails: not all have failed.
    const failing = async () => new Map([['bad', new Error('bad')]])
    const error = await cache.getMany(['gone', 'bad'], failing).catch(error => error)
    assert.deepEqual([error.name, error.ids], ['AggregateError', ['bad']])
  })

  test(`onEvict is called in the context of what was the cause, ${storage}`, async () => {
    const context = new AsyncLocalStorage()
    /** @type {unknown[]} */
    const told = []
    const cache = new Cache({ max: 1, storage, onEvict: id => told.push([id, context.getStore()]) })
    context.run('first', () => cache.set('a', 1))
    context.run('second', () => cache.set('b', 2))
    context.run('third', () => cache.set('c', 3))
    await turn()
    const expected = storage === 'heap' ? ['second', 'third'] : ['second', 'second']
    assert.deepEqual(told, [
      ['a', expected[0]],
      ['b', expected[1]]
    ])
  })

  test(`no more than a thousand wait to be told of, however many went at once, ${storage}`, async t => {
    const pass = movingClock(t)
    let told = 0
    const onEvict = () => told++
    const cache = new Cache({ max: 20_000, storage, ttl: 10, jitter: 0, onEvict, load: () => new Promise(() => {}) })
    for (let id = 0; id < 20_000; id++) cache.set(`${id}`, id)
    cache.resize({ max: 10_000 })
    assert.ok(told >= 10_000 - 1100, `${told}`)
    pass(20)
    for (let id = 10_000; id < 20_000; id++) cache.get(`${id}`).catch(() => {})
    assert.ok(told >= 20_000 - 1100, `${told}`)
    cache.close()
  })

  test(`whatever onEvict throws is a warning, ${storage}`, async () => {
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
    let told = 0
    const cache = new Cache({ max: 1, storage, onEvict: () => /** @type {any} */ (answers[told++]()) })
    /** @type {string[]} */
    const warnings = []
    const hear = (/** @type {Error} */ { message }) => warnings.push(message)
    process.on('warning', hear)
    for (let id = 0; id < 4; id++) cache.set(`${id}`, id)
    while (warnings.length < 2) await turn()
    process.off('warning', hear)
    assert.deepEqual(warnings, ['something that has no text', 'later'])
    assert.equal(told, 3)
  })
}

test('a cache that is closed while its callers abort harms nobody', async () => {
  const cache = new Cache({ max: 9 })
  const leaves = new AbortController()
  const load = (/** @type {string} */ _, /** @type {any} */ { signal }) => {
    signal.addEventListener('abort', () => cache.close())
    return new Promise(() => {})
  }
  const asked = ['a', 'b'].map(id => cache.get(id, load, { signal: leaves.signal }))
  const settled = Promise.allSettled(asked)
  leaves.abort(new Error('left'))
  const [a, b] = await settled
  assert.deepEqual([a.status, b.status], ['rejected', 'rejected'])
})

test('a cache that its loader closes rejects the rest of getMany', async t => {
  const pass = movingClock(t)
  const load = async (/** @type {string} */ id) => {
    if (id === 's') cache.close()
    return 1
  }
  const cache = new Cache({ max: 9, ttl: 10, jitter: 0, staleWhileRevalidate: 10_000, load })
  cache.set('s', 1)
  pass(20)
  await assert.rejects(cache.getMany(['m', 's', 'n']), AggregateError)
  await turn()
})

test('a cache that weigh closes stores nothing in the next one', () => {
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

test('an own length says nothing of what bytes weigh', () => {
  class Liar extends Uint8Array {
    get length() {
      return 0
    }
  }
  const cache = new Cache({ maxBytes: 1000, storage: 'native', codec: 'bytes' })
  for (let id = 0; id < 5; id++) cache.set(`${id}`, new Liar(1000))
  assert.deepEqual([cache.size, cache.bytes], [1, 1000])
})
