'use strict'

// User code that throws or calls the cache while the cache loads, encodes or decodes. Every call still settles.

const assert = require('node:assert/strict')
const { getEventListeners } = require('node:events')
const { after, test } = require('node:test')
const { Cache } = require('../../index.js')
const { fail, revoked, poisoned, signals } = require('../fixtures/user-code/values.js')
const { node } = require('../support/child.js')
const { stopClock } = require('../support/clock.js')

/** @typedef {import('../../index.js').CacheOptions<any, any>} Options */

const storages = /** @type {const} */ (['heap', 'native'])

/** Asserts that the cache can reload an id after a failed load. */
const loadsAgain = async (/** @type {Cache<any, any>} */ cache, /** @type {string} */ id) => {
  cache.delete(id)
  assert.equal(await cache.get(id, () => 'again'), 'again')
}

/** Loaders that fail in their own way. @type {Record<string, (id: any, context: any) => any>} */
const loaders = {
  'throws a revoked proxy': () => {
    throw revoked({})
  },
  'rejects with a revoked proxy': async () => {
    throw revoked({})
  },
  'rejects with an error whose message cannot be read': () => Promise.reject(poisoned({}, 'message')),
  'returns a thenable that cannot be read': () => poisoned({}, 'then'),
  'returns a promise of a strange class': () => poisoned(Promise.resolve(1), 'constructor'),
  'returns a promise whose then throws': () => poisoned(Promise.resolve(1), 'then'),
  'makes ttl unreadable': (_, context) => poisoned(context, 'ttl') && 1,
  'makes ttl unreadable in a promise': async (_, context) => poisoned(context, 'ttl') && 1,
  'makes store unreadable': (_, context) => poisoned(context, 'store') && 1,
  'makes store unreadable in a promise': async (_, context) => poisoned(context, 'store') && 1
}

for (const storage of storages) {
  for (const [name, load] of Object.entries(loaders)) {
    test(`a loader that ${name} fails only its own load, ${storage}`, async () => {
      const cache = new Cache({ max: 9, storage })
      const [first, second] = await Promise.allSettled([cache.get('a', load), cache.get('a', load)])
      assert.equal(first.status, 'rejected')
      assert.equal(second.status, 'rejected')
      await assert.rejects(async () => cache.getMany(['a', 'b'], async () => fail('loadMany')))
      await loadsAgain(cache, 'a')
      await loadsAgain(cache, 'b')
    })
  }

  test(`signals that throw reject only their caller, ${storage}`, async () => {
    for (const [name, make] of Object.entries(signals)) {
      // Errors of removeEventListener are uncaught exceptions: tested below.
      if (name.includes('removeEventListener')) continue
      const cache = new Cache({ max: 9, storage })
      const { signal } = new AbortController()
      const answers = await Promise.allSettled([
        cache.get('a', { load: async () => 1, signal }),
        cache.get('a', { load: async () => 2, signal: make() }),
        cache.get('b', { load: async () => 3, signal: make() })
      ])
      assert.deepEqual(answers[0], { status: 'fulfilled', value: 1 }, name)
      assert.equal(getEventListeners(signal, 'abort').length, 0, name)
      await loadsAgain(cache, 'b')
    }
  })

  test(`a stored malformed promise rejects the call that reads it, ${storage}`, async () => {
    const cache = new Cache({ max: 9, storage: 'heap' })
    cache.set('a', poisoned(Promise.resolve(1), 'constructor'))
    for (let i = 0; i < 5; i++) await assert.rejects(cache.get('a'), /constructor failed/)
  })

  test(`a weigh function that throws or misbehaves fails only its call, ${storage}`, async () => {
    /** @type {() => number} */
    let weigh = () => fail('weigh')
    const cache = new Cache({ maxBytes: 100, storage, weigh: () => weigh() })
    assert.throws(() => cache.set('a', 1), /weigh failed/)
    await assert.rejects(
      cache.get('a', async () => 1),
      /weigh failed/
    )
    weigh = () => /** @type {any} */ (revoked({}))
    await assert.rejects(cache.get('a', async () => 1))
    weigh = () => 1
    assert.equal(await cache.get('a', async () => 1), 1)
  })
}

const clock = stopClock()
after(() => clock.restore())

/** Makes a cache with one stale entry, whose codec calls `decode` once. */
function staleCache(/** @type {(cache: Cache<any, any>) => unknown} */ decode, /** @type {Options} */ more) {
  let now = false
  const codec = {
    encode: (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)),
    decode: (/** @type {Buffer} */ bytes) => {
      if (now) {
        now = false
        decode(cache)
      }
      return JSON.parse(bytes.toString())
    }
  }
  /** @type {Cache<any, any>} */
  const cache = new Cache({ max: 9, storage: 'native', codec, ...more })
  cache.set('a', 'old')
  clock.advance(3)
  now = true
  return cache
}

/** Calls that a codec makes while it decodes. @type {Record<string, (cache: Cache<any, any>, found: Promise<any>[]) => unknown>} */
const reentries = {
  'gets the same id': (cache, found) => found.push(cache.get('a', async () => 'inner')),
  'refreshes the same id': (cache, found) => found.push(cache.refresh('a')),
  'gets and refreshes it': (cache, found) =>
    found.push(
      cache.refresh('a'),
      cache.get('a', async () => 'inner')
    ),
  'deletes it and gets it': (cache, found) => cache.delete('a') && found.push(cache.get('a', async () => 'inner')),
  'gets it with a signal that aborts': (cache, found) => {
    const abort = new AbortController()
    found.push(cache.get('a', { load: async () => 'inner', signal: abort.signal }).catch(() => 'aborted'))
    abort.abort()
  },
  'refreshes it and throws': (cache, found) => {
    found.push(cache.refresh('a').catch(() => 'refused'))
    fail('decode')
  },
  'closes the cache': cache => cache.close()
}

/** @type {Record<string, Options>} */
const staleness = {
  'stale while it loads': { max: 9, ttl: 1, staleWhileRevalidate: 1e6 },
  'stale if it fails': { max: 9, ttl: 1, staleIfError: 1e6 },
  'due for a refresh': { max: 9, ttl: 1e6, refreshAfter: 1 }
}

for (const [state, options] of Object.entries(staleness)) {
  for (const [name, reenter] of Object.entries(reentries)) {
    test(`every call settles if a codec ${name} while it decodes a value that is ${state}`, async () => {
      /** @type {Promise<any>[]} */
      const found = []
      const load = async () => 'new'
      for (const call of ['get', 'refresh', 'getMany']) {
        const cache = staleCache(cache => reenter(cache, found), { ...options, load })
        const outer =
          call === 'get' ? cache.get('a') : call === 'refresh' ? cache.refresh('a') : cache.getMany(['a', 'b'])
        const [outcome] = await Promise.allSettled([outer, ...found])
        if (name !== 'closes the cache' && name !== 'refreshes it and throws') assert.equal(outcome.status, 'fulfilled')
        if (name === 'closes the cache' && outcome.status === 'rejected') {
          const errors = outcome.reason.errors ?? [outcome.reason]
          for (const error of errors) assert.equal(error.code, 'ERR_OFFLOOP_CLOSED')
        }
        cache.close()
      }
    })
  }
}

test('every call settles if signals throw when their listener is removed', async () => {
  const program = `
    const { Cache } = require(${JSON.stringify(require.resolve('../../index.js'))})
    const { signals } = require(${JSON.stringify(require.resolve('../fixtures/user-code/values.js'))})
    const all = Object.entries(signals).filter(([name]) => name.includes('removeEventListener')).map(([, make]) => make())
    let uncaught = 0
    process.on('uncaughtException', () => uncaught++)
    const cache = new Cache({ max: 9 })
    Promise.all(all.concat(undefined).map(signal => cache.get('a', { load: async () => 1, signal })))
      .then(values => setImmediate(() => console.log(values.join(), uncaught === all.length)))`
  const { code, stdout } = await node(['-e', program], { timeout: 20_000 })
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '1,1,1 true\n' })
})

test('reads each id once, and rejects resize options that close the cache', async () => {
  const cache = new Cache({ max: 9, load: async id => id })
  let reads = 0
  const ids = Object.defineProperty(['x'], 0, { get: () => (reads++ === 0 ? 'a' : {}) })
  assert.deepEqual(await cache.getMany(ids), new Map([['a', 'a']]))
  const limits = {
    get max() {
      return cache.close() ?? 5
    }
  }
  assert.throws(() => cache.resize(limits), { code: 'ERR_OFFLOOP_CLOSED' })
})

test('an error of onEvict does not end the process or the notifications', async () => {
  const program = `
    const { Cache } = require(${JSON.stringify(require.resolve('../../index.js'))})
    const { revoked, poisoned } = require(${JSON.stringify(require.resolve('../fixtures/user-code/values.js'))})
    const thrown = [revoked({}), revoked(() => {}), poisoned(new Error(), 'message'), Symbol('s'), null]
    const evicted = []
    const onEvict = id => { evicted.push(id); throw thrown[id] }
    const cache = new Cache({ max: 1, onEvict })
    for (let id = 0; id <= thrown.length; id++) cache.set(id, id)
    process.on('exit', () => console.log(evicted.join()))`
  const { code, stdout } = await node(['--no-warnings', '-e', program], { timeout: 20_000 })
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '0,1,2,3,4\n' })
})
