'use strict'

// Races between loads and other calls, in both storages and with both policies.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Cache } = require('../..')
const { stopClock } = require('../support/clock')
const { deferred } = require('../support/deferred')

/** @typedef {import('../../index').CacheOptions<any, any>} Options */

/**
 * @param {string} name
 * @param {(open: (options?: Options) => Cache<any, any>, storage: 'heap' | 'native') => Promise<void>} body
 */
function race(name, body) {
  for (const storage of /** @type {const} */ (['heap', 'native'])) {
    for (const policy of /** @type {const} */ (['lru', 's3-fifo'])) {
      const open = (/** @type {Options | undefined} */ options) => new Cache({ max: 10, storage, policy, ...options })
      test(`${name}, ${storage}, ${policy}`, () => body(open, storage))
    }
  }
}

race('callers that miss the same id share one load', async (open, storage) => {
  const { promise, resolve } = deferred()
  let loads = 0
  const cache = open({
    load: () => {
      loads++
      return promise
    }
  })
  const pending = Array.from({ length: 10_000 }, () => cache.get('a'))
  const value = { deep: [1] }
  resolve(value)
  const values = await Promise.all(pending)
  assert.equal(loads, 1)
  assert.ok(values.every(it => it === value))
  const again = await cache.get('a')
  if (storage === 'heap') assert.equal(again, value)
  else assert.deepEqual(again, value)
  assert.equal(loads, 1)
  const { hits, misses, coalesced, inFlight } = cache.stats()
  assert.deepEqual([hits, misses, coalesced, inFlight], [1, 10_000, 9999, 0])
})

race('a failed load rejects all callers with the same error and stores nothing', async open => {
  const error = new Error('no')
  const { promise, reject } = deferred()
  const cache = open({ load: () => promise })
  const pending = [cache.get('a'), cache.get('a'), cache.get('a', { signal: new AbortController().signal })]
  reject(error)
  for (const result of await Promise.allSettled(pending)) {
    assert.equal(result.status === 'rejected' && result.reason, error)
  }
  assert.equal(cache.size, 0)
  assert.equal(await cache.get('a', () => 5), 5)
  assert.equal(cache.stats().loadFailures, 1)
})

race('set during a load: the caller receives the loaded value, the set value stays', async open => {
  const { promise, resolve } = deferred()
  const cache = open()
  const pending = cache.get('a', () => promise)
  cache.set('a', 'set')
  assert.equal(await cache.get('a', () => assert.fail('loads')), 'set')
  resolve('loaded')
  assert.equal(await pending, 'loaded')
  assert.equal(cache.peek('a'), 'set')
})

for (const forget of /** @type {const} */ (['delete', 'clear'])) {
  race(`${forget} during a load: the caller receives the value, it is not stored, the next get reloads`, async open => {
    const old = deferred()
    const recent = deferred()
    const cache = open()
    const first = cache.get('a', () => old.promise)
    cache[forget]('a')
    const second = cache.get('a', () => recent.promise)
    old.resolve('old')
    assert.equal(await first, 'old')
    assert.equal(cache.has('a'), false)
    const third = cache.get('a', () => assert.fail('loads twice'))
    recent.resolve('recent')
    assert.deepEqual(await Promise.all([second, third]), ['recent', 'recent'])
    assert.equal(cache.peek('a'), 'recent')
  })
}

race('an old load that fails during a newer load has no effect', async open => {
  const old = deferred()
  const recent = deferred()
  const cache = open()
  const first = cache.get('a', () => old.promise)
  cache.delete('a')
  const second = cache.get('a', () => recent.promise)
  old.reject(new Error('late'))
  await assert.rejects(first, /late/)
  recent.resolve('recent')
  assert.equal(await second, 'recent')
  assert.equal(cache.peek('a'), 'recent')
})

race('an old load that ends after a newer load has no effect', async open => {
  const old = deferred()
  const cache = open()
  const first = cache.get('a', () => old.promise)
  cache.delete('a')
  assert.equal(await cache.get('a', () => 'recent'), 'recent')
  old.resolve('old')
  assert.equal(await first, 'old')
  assert.equal(cache.peek('a'), 'recent')
})

race('an abort rejects only its caller; the load is aborted with the last caller', async open => {
  const { promise, resolve } = deferred()
  /** @type {AbortSignal[]} */
  const signals = []
  const cache = open({
    load: (_, { signal }) => {
      signals.push(signal)
      return promise
    }
  })
  const first = new AbortController()
  const second = new AbortController()
  const pending = [first, second].map(({ signal }) => cache.get('a', { signal }))
  first.abort(new Error('first'))
  await assert.rejects(pending[0], /first/)
  assert.equal(signals[0].aborted, false)
  second.abort()
  await assert.rejects(pending[1], { name: 'AbortError' })
  assert.equal(signals[0].aborted, true)
  // The result of the aborted load is discarded, and the next get reloads.
  const again = cache.get('a')
  assert.equal(signals.length, 2)
  resolve('late')
  assert.equal(await again, 'late')
  assert.equal(cache.stats().loads, 2)
})

race('a caller without a signal keeps the load running', async open => {
  const { promise, resolve } = deferred()
  const cache = open()
  const controller = new AbortController()
  const patient = cache.get('a', () => promise)
  const hasty = cache.get('a', { signal: controller.signal })
  const load = () => promise
  const late = cache.get('a', { load, signal: controller.signal })
  controller.abort()
  await assert.rejects(hasty, { name: 'TypeError' })
  await assert.rejects(late, { name: 'AbortError' })
  resolve(1)
  assert.equal(await patient, 1)
})

race('an aborted signal starts no load', async open => {
  const cache = open({ load: () => assert.fail('loads') })
  await assert.rejects(cache.get('a', { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.equal(cache.stats().loads, 0)
})

race('rejects if the loader throws', async open => {
  const cache = open({
    load() {
      throw new Error('synchronous')
    }
  })
  await assert.rejects(cache.get('a'), /synchronous/)
  assert.equal(cache.stats().inFlight, 0)
})

race('stores undefined and null, but not with context.store = false', async open => {
  let loads = 0
  const cache = open({
    load: (id, context) => {
      loads++
      context.store = id !== 'out'
      return id === 'null' ? null : undefined
    }
  })
  for (const id of ['null', 'undefined', 'null', 'undefined']) {
    assert.equal(await cache.get(id), id === 'null' ? null : undefined)
  }
  assert.equal(loads, 2)
  assert.deepEqual([cache.has('undefined'), cache.has('null'), cache.peek('null')], [true, true, null])
  await cache.get('out')
  assert.equal(cache.has('out'), false)
})

race('rejects a loader that requests its own id', async open => {
  const recursive = { code: 'ERR_OFFLOOP_RECURSIVE_LOAD', message: /'a' asks for 'a' itself/ }
  /** @type {Cache<any, any>} */
  const cache = open({
    load: async id => {
      await turn()
      return cache.get(id === 'a' ? 'b' : 'a')
    }
  })
  await assert.rejects(cache.get('a'), recursive)
  assert.equal(cache.stats().inFlight, 0)
  // Another caller just waits.
  const { promise, resolve } = deferred()
  const first = cache.get('c', () => promise)
  const second = cache.get('c')
  resolve(7)
  assert.deepEqual(await Promise.all([first, second]), [7, 7])
  await assert.rejects(
    cache.getMany(['d', 'e'], async ids => {
      await turn()
      return new Map([[ids[0], await cache.get('e')]])
    }),
    { code: 'ERR_OFFLOOP_RECURSIVE_LOAD' }
  )
})

race('a failed background refresh does not reject the caller', async open => {
  const clock = stopClock()
  try {
    const cache = open({ ttl: 100, jitter: 0, refreshAfter: 10, staleWhileRevalidate: 100 })
    cache.set('a', 1)
    clock.advance(10)
    let failures = 0
    const load = async () => {
      failures++
      throw new Error('no')
    }
    assert.equal(await cache.get('a', load), 1)
    await turn()
    clock.advance(90)
    assert.equal(await cache.get('a', load), 1, 'stale')
    await turn()
    assert.equal(failures, 2)
    clock.advance(100)
    await assert.rejects(cache.get('a', load), /no/)
  } finally {
    clock.restore()
  }
})

race('eviction does not fail loads in flight', async open => {
  const gates = Array.from({ length: 50 }, () => deferred())
  const cache = open({ max: 2 })
  const pending = gates.map(({ promise }, index) => cache.get(index, () => promise))
  for (const [index, { resolve }] of gates.entries()) resolve(index * 2)
  assert.deepEqual(
    await Promise.all(pending),
    gates.map((_, index) => index * 2)
  )
  assert.equal(cache.size, 2)
})

race('a load that hangs is aborted after loadTimeout', async open => {
  const { promise, resolve } = deferred()
  /** @type {AbortSignal | undefined} */
  let signal
  const cache = open({ loadTimeout: 5 })
  const pending = cache.get('a', (_, context) => {
    signal = context.signal
    return promise
  })
  // The timeout does not keep the process alive, so the test has to.
  const alive = setInterval(() => {}, 1000)
  await assert.rejects(pending, { name: 'TimeoutError', message: /'a' took longer than 5 ms/ })
  clearInterval(alive)
  assert.equal(signal?.reason.name, 'TimeoutError')
  assert.equal(await cache.get('a', () => 'recent'), 'recent')
  resolve('late')
  await turn()
  assert.equal(cache.peek('a'), 'recent')
})

race('an entry heavier than the whole cache is returned but not stored', async open => {
  const cache = open({ max: undefined, maxBytes: 100, weigh: value => value })
  cache.set('small', 60)
  assert.equal(await cache.get('giant', () => 101), 101)
  assert.deepEqual([cache.has('giant'), cache.has('small'), cache.bytes], [false, true, 60])
  cache.set('small', 500)
  assert.equal(cache.size, 0)
})

race('close rejects pending callers and aborts the loader', async open => {
  /** @type {AbortSignal | undefined} */
  let signal
  const cache = open()
  const pending = cache.get('a', (_, context) => {
    signal = context.signal
    return deferred().promise
  })
  cache.close()
  await assert.rejects(pending, { code: 'ERR_OFFLOOP_CLOSED' })
  assert.equal(signal?.aborted, true)
  await assert.rejects(
    cache.get('a', () => 1),
    { code: 'ERR_OFFLOOP_CLOSED' }
  )
  assert.throws(() => cache.set('a', 1), { code: 'ERR_OFFLOOP_CLOSED' })
  assert.equal(cache.size, 0)
  cache.close()
})

race('a signal without a working addEventListener rejects only its caller', async open => {
  const cache = open({})
  const signal = { aborted: false, addEventListener: () => assert.fail('broken'), removeEventListener() {} }
  await assert.rejects(cache.get('a', { load: () => 1, signal: /** @type {any} */ (signal) }), /broken/)
  assert.equal(await cache.get('a', () => 2), 1)
})
