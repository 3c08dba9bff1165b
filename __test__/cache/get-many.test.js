'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runInNewContext } = require('node:vm')
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
    const without = open()
    const noLoader = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /^There is no loader for 'a'/ }
    for (const ids of [['a'], ['a', 'b']]) await assert.rejects(without.getMany(ids), noLoader)
    without.set('held', 1)
    const partial = await without.getMany(['held', 'b', 'c']).catch(error => error)
    assert.deepEqual([partial.ids, [...partial.results]], [['b', 'c'], [['held', 1]]])
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
      { code: 'ERR_INVALID_ARG_TYPE', message: /^ids\[0\] must be/ }
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

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`aborting the signal of getMany rejects its caller only, ${storage}`, async () => {
    const cache = new Cache({ max: 100, storage })
    const { promise, resolve } = deferred()
    const [first, second] = [new AbortController(), new AbortController()]
    /** @type {AbortSignal | undefined} */
    let ofLoad
    const loadMany = (/** @type {string[]} */ _, /** @type {{ signal: AbortSignal }} */ { signal }) => {
      ofLoad = signal
      return /** @type {Promise<any>} */ (promise)
    }
    const hasty = cache.getMany(['a', 'b'], { loadMany, signal: first.signal })
    const patient = cache.getMany(['b'], { signal: second.signal, loadMany: () => assert.fail('loads') })
    const reason = new Error('left')
    first.abort(reason)
    await assert.rejects(hasty, error => error === reason)
    assert.equal(ofLoad?.aborted, false, 'b has a caller')
    resolve(new Map([['b', 2]]))
    assert.deepEqual([...(await patient)], [['b', 2]])
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`aborts the signal of loadMany with the last caller of any of its ids, ${storage}`, async () => {
    const cache = new Cache({ max: 100, storage })
    const [first, second] = [new AbortController(), new AbortController()]
    /** @type {AbortSignal | undefined} */
    let ofLoad
    const loadMany = (/** @type {string[]} */ _, /** @type {{ signal: AbortSignal }} */ { signal }) => {
      ofLoad = signal
      return /** @type {Promise<any>} */ (new Promise(() => {}))
    }
    const many = cache.getMany(['a', 'b'], { loadMany, signal: first.signal })
    const one = cache.get('b', { signal: second.signal, load: () => assert.fail('loads') })
    first.abort()
    second.abort()
    assert.equal(ofLoad?.aborted, true)
    for (const call of [many, one]) await assert.rejects(call, { name: 'AbortError' })
    assert.equal(cache.stats().inFlight, 0)
    assert.deepEqual([...(await cache.getMany(['a'], () => [1]))], [['a', 1]])
  })

  test(`rejects with a signal that its loader aborts, and with an aborted one, ${storage}`, async () => {
    const cache = new Cache({ max: 100, storage })
    const controller = new AbortController()
    const loadMany = () => {
      controller.abort()
      return [1]
    }
    const { signal } = controller
    await assert.rejects(cache.getMany(['a'], { loadMany, signal }), { name: 'AbortError' })
    await assert.rejects(cache.getMany(['b'], { loadMany: () => assert.fail('loads'), signal }), { name: 'AbortError' })
    await assert.rejects(cache.refresh('b', { load: () => assert.fail('loads'), signal }), { name: 'AbortError' })
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`resolves promises in the array of loadMany, ${storage}`, async () => {
    const cache = new Cache({ max: 100, storage })
    const down = new Error('down')
    const values = /** @type {any} */ ([Promise.resolve(1), Promise.reject(down)])
    const error = await cache.getMany(['a', 'b'], () => values).catch(error => error)
    assert.deepEqual([[...error.results], error.ids, error.errors], [[['a', 1]], ['b'], [down]])
    assert.equal(cache.peek('a'), 1)
  })

  test(`refresh accepts a loader and a signal, ${storage}`, async () => {
    const cache = new Cache({ max: 100, storage })
    cache.set('a', 'old')
    assert.equal(await cache.refresh('a', { load: (_, { previous }) => `new after ${previous}` }), 'new after old')
    const controller = new AbortController()
    /** @type {AbortSignal | undefined} */
    let ofLoad
    const load = (/** @type {string} */ _, /** @type {{ signal: AbortSignal }} */ { signal }) => {
      ofLoad = signal
      return new Promise(() => {})
    }
    const pending = cache.refresh('a', { load, signal: controller.signal })
    controller.abort()
    await assert.rejects(pending, { name: 'AbortError' })
    assert.deepEqual([ofLoad?.aborted, cache.peek('a'), cache.stats().inFlight], [true, 'new after old', 0])
  })
}

test('the error of many failed ids lists a few of them, shortened', async () => {
  const cache = new Cache({ max: 10 })
  const ids = Array.from({ length: 1000 }, (_, index) => `${index}-${'x'.repeat(1000)}`)
  const failing = cache.getMany([...ids, 'good'], async ids => ids.map(id => (id === 'good' ? 1 : new Error(id))))
  const error = await failing.then(
    () => assert.fail(),
    error => error
  )
  assert.match(
    error.message,
    /^1000 of 1001 ids could not be loaded: '0-x+'\.\.\. 902 more characters, .*, and 990 more$/
  )
  assert.ok(error.message.length < 2000)
  assert.equal(error.ids.length, 1000)
})

test('a Map of another realm is a result', async () => {
  const cache = new Cache({ max: 10 })
  const values = await cache.getMany(['a'], async () => runInNewContext("new Map([['a', 1]])"))
  assert.deepEqual([...values], [['a', 1]])
})

test('a loader of many ids that asks for one of them is refused', async () => {
  const cache = new Cache({ max: 100 })
  const codes = cache.getMany(['a', 'b'], ids => Promise.all(ids.map(id => cache.get(id).catch(it => it.code))))
  assert.deepEqual([...(await codes).values()], ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_TYPE'])
  const load = () => assert.fail('loads')
  const recursive = cache.getMany(['c', 'd'], ids =>
    Promise.all(ids.map(id => cache.get(id, load).catch(it => it.code)))
  )
  assert.deepEqual([...(await recursive).values()], Array(2).fill('ERR_OFFLOOP_RECURSIVE_LOAD'))
})

test('methods refuse unknown options, and a bare signal', async () => {
  const cache = new Cache({ max: 3, load: async id => id })
  const { signal } = new AbortController()
  const calls = {
    get: (/** @type {any} */ options) => cache.get('a', options),
    getMany: (/** @type {any} */ options) => cache.getMany(['a'], options),
    refresh: (/** @type {any} */ options) => cache.refresh('a', options)
  }
  for (const [name, call] of Object.entries(calls)) {
    const loader = name === 'getMany' ? 'loadMany' : 'load'
    const message = `The property 'options.ttl' is unknown. The options are '${loader}', 'signal'`
    await assert.rejects(call({ ttl: 1 }), { code: 'ERR_INVALID_ARG_VALUE', message })
    await assert.rejects(call(signal), { code: 'ERR_INVALID_ARG_VALUE', message: /write \{ signal \}/ })
    await assert.rejects(call({ signal: 5 }), { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.signal"/ })
    await assert.rejects(call({ [loader]: 5 }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: `The "options.${loader}" property must be of type function. Received type number (5)`
    })
    for (const wrong of [null, 5, 'x']) await assert.rejects(call(wrong), { code: 'ERR_INVALID_ARG_TYPE' })
    await call({})
  }
})

test('methods refuse a third argument', async () => {
  const cache = /** @type {any} */ (new Cache({ max: 10 }))
  cache.set('a', 1)
  const { signal } = new AbortController()
  const refused = (/** @type {string} */ loader) => ({
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: `There is no third argument: pass { ${loader}, signal } as the second one`
  })
  for (const id of ['a', 'missing']) {
    await assert.rejects(
      cache.get(id, () => 2, { signal }),
      refused('load')
    )
    await assert.rejects(cache.refresh(id, { load: () => 2 }, { signal }), refused('load'))
    await assert.rejects(
      cache.getMany([id], () => [2], { signal }),
      refused('loadMany')
    )
  }
  assert.equal(cache.stats().loads, 0)
  assert.equal(await cache.get('a', undefined, undefined), 1)
})
