'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Cache } = require('../..')
const { Bounds, MAX_ENTRIES } = require('../../lib/cache/bounds')

test('requires a bound and rejects invalid options', () => {
  /** @type {[any, any][]} */
  const cases = [
    [undefined, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{}, { code: 'ERR_INVALID_ARG_TYPE', message: /options\.max.*options\.maxBytes.*required/ }],
    [{ max: 0 }, { code: 'ERR_OUT_OF_RANGE', message: /"options\.max".*Received 0/ }],
    [{ max: 1.5 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ max: Infinity }, { code: 'ERR_OUT_OF_RANGE', message: /Received Infinity/ }],
    [{ max: '5' }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ maxBytes: 10 }, { code: 'ERR_INVALID_ARG_VALUE', message: /options\.weigh/ }],
    [{ max: 5, ttl: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
    [
      { max: 5, jitter: 2 },
      { code: 'ERR_OUT_OF_RANGE', message: /jitter.*<= 1.*2/ }
    ],
    [
      { max: 5, load: 5 },
      { code: 'ERR_INVALID_ARG_TYPE', message: /options\.load/ }
    ],
    [{ max: 5, weigh: {} }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ max: 5, onEvict: 'x' }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ max: 5, loadTimeout: 'x' }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [
      { max: 5, loadTimeout: 0 },
      { code: 'ERR_OUT_OF_RANGE', message: /loadTimeout.*>= 1/ }
    ],
    [
      { max: 5, name: '' },
      { code: 'ERR_INVALID_ARG_VALUE', message: /options\.name.*empty/ }
    ],
    [
      { max: 5, storage: 'disk' },
      { code: 'ERR_INVALID_ARG_VALUE', message: /'heap', 'native'.*'disk'/ }
    ],
    [
      { max: 5, policy: 'lfu' },
      {
        code: 'ERR_INVALID_ARG_VALUE',
        message: `The "options.policy" property must be one of 'lru', 's3-fifo'. Received 'lfu'`
      }
    ],
    [
      { max: 5, storage: 'heap', name: 'x' },
      { code: 'ERR_INVALID_ARG_VALUE', message: /named cache.*native/ }
    ],
    [
      { max: 5, codec: 'json' },
      { code: 'ERR_INVALID_ARG_VALUE', message: /codec/ }
    ],
    [
      { max: 5, storage: 'native', codec: 'xml' },
      { code: 'ERR_INVALID_ARG_TYPE', message: /encode and decode.*'xml'/ }
    ],
    [
      { max: 5, maxSize: 10 },
      { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.maxSize' is unknown/ }
    ]
  ]
  for (const [options, expected] of cases) assert.throws(() => new Cache(options), expected, JSON.stringify(options))
})

test('an entry weighs at least 1, so that maxBytes bounds a cache of any values', () => {
  const weightless = new Cache({ maxBytes: 5, weigh: () => 0 })
  const empty = new Cache({ maxBytes: 5, storage: 'native', codec: 'bytes' })
  for (let id = 0; id < 10; id++) {
    weightless.set(`${id}`, id)
    empty.set(`${id}`, new Uint8Array(0))
  }
  assert.deepEqual([weightless.size, weightless.bytes, empty.size, empty.bytes], [5, 5, 5, 5])
})

test('reads inherited options', () => {
  class Options {
    get max() {
      return 5
    }
  }
  const cache = new Cache(new Options())
  for (let id = 0; id < 10; id++) cache.set(`${id}`, id)
  assert.equal(cache.size, 5)
  assert.throws(() => new Cache(Object.create({ max: 0 })), { code: 'ERR_OUT_OF_RANGE', message: /"options\.max"/ })
})

test('rejects invalid ids, loaders and weights', async () => {
  const cache = new Cache({ max: 5, weigh: () => -1 })
  for (const id of [undefined, null, {}, Symbol('x'), true]) {
    const bad = /** @type {any} */ (id)
    await assert.rejects(
      cache.get(bad, () => 1),
      { code: 'ERR_INVALID_ARG_TYPE', message: /"id"/ }
    )
    for (const call of [
      () => cache.set(bad, 1),
      () => cache.delete(bad),
      () => cache.has(bad),
      () => cache.peek(bad)
    ]) {
      assert.throws(call, { code: 'ERR_INVALID_ARG_TYPE' })
    }
  }
  await assert.rejects(cache.get('a'), { code: 'ERR_INVALID_ARG_TYPE', message: /no loader for 'a'/ })
  await assert.rejects(cache.refresh('a'), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /no loader for 'a': pass one to the cache as options\.load, or to this call$/
  })
  await assert.rejects(cache.get('a', /** @type {any} */ ('x')), { code: 'ERR_INVALID_ARG_TYPE' })
  await assert.rejects(cache.get('a', /** @type {any} */ (null)), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'The "load" argument must be of type function or object. Received null'
  })
  for (const store of [0, null, undefined]) {
    const load = (/** @type {string} */ _, /** @type {any} */ context) => {
      context.store = store
    }
    await assert.rejects(cache.get('a', load), { code: 'ERR_INVALID_ARG_TYPE', message: /context\.store/ })
  }
  const light = new Cache({ max: 5 })
  assert.throws(() => light.resize({ maxBytes: 5 }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^limits\.maxBytes requires options\.weigh/
  })
  assert.throws(() => cache.set('a', 1), { code: 'ERR_OUT_OF_RANGE', message: /weigh returns for 'a'.*-1/ })
  await assert.rejects(
    cache.get('a', () => 1),
    { code: 'ERR_OUT_OF_RANGE' }
  )
  assert.equal(cache.size, 0)
})

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`distinguishes ids like a Map, ${storage}`, () => {
    const cache = new Cache({ max: 100, storage })
    const ids = [
      '',
      '1',
      1,
      1n,
      0,
      NaN,
      -1n,
      2n ** 80n,
      -(2n ** 80n),
      1.5,
      Infinity,
      'ä',
      '\u{1f600}',
      '\ud800',
      '\ud801',
      '\ufffd'
    ]
    for (const [index, id] of ids.entries()) cache.set(/** @type {any} */ (id), index)
    assert.deepEqual([...cache.entries()].map(([id]) => id).reverse(), ids)
    for (const [index, id] of ids.entries()) assert.equal(cache.peek(/** @type {any} */ (id)), index)
    assert.equal(cache.peek(/** @type {any} */ (-0)), 4)
    assert.equal(cache.size, ids.length)
    const long = 'x'.repeat(1000)
    cache.set(long, 'long')
    assert.equal(cache.peek('x'.repeat(1000)), 'long')
  })

  test(`never exceeds a bound after a call, ${storage}`, () => {
    const cache = new Cache({ max: 10, maxBytes: 100, storage, weigh: value => Number(value) })
    for (let i = 0; i < 1000; i++) {
      cache.set(`${i % 37}`, (i * 7) % 40)
      assert.ok(cache.size <= 10 && cache.bytes <= 100)
    }
    cache.resize({ max: 3 })
    assert.ok(cache.size <= 3)
    cache.resize({ maxBytes: 10 })
    assert.ok(cache.bytes <= 10)
    cache.set('a', 5)
    cache.set('b', 5)
    cache.set('c', 5)
    assert.deepEqual(
      [...cache.entries()],
      [
        ['c', 5],
        ['b', 5]
      ]
    )
    assert.throws(() => cache.resize(/** @type {any} */ ({ max: -1 })), {
      code: 'ERR_OUT_OF_RANGE',
      message: /"limits\.max"/
    })
    assert.throws(() => cache.resize(/** @type {any} */ (5)), {
      message: /^The "limits" argument must be of type object/
    })
    assert.throws(() => cache.resize(/** @type {any} */ ({ size: 1 })), {
      message: /^The property 'limits\.size' is unknown/
    })
    assert.throws(() => cache.resize({}), { code: 'ERR_INVALID_ARG_TYPE', message: /"limits\.max" and .* required$/ })
  })

  test(`onEvict receives every evicted entry asynchronously with its reason, ${storage}`, async () => {
    /** @type {any[]} */
    const evicted = []
    const cache = new Cache({ max: 2, storage, onEvict: (...args) => evicted.push(args) })
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('a', 3)
    cache.set('c', 4)
    cache.delete('a')
    cache.clear()
    assert.deepEqual(evicted, [])
    while (evicted.length < 4) await turn()
    assert.deepEqual(evicted, [
      ['a', 1, 'replaced'],
      ['b', 2, 'size'],
      ['a', 3, 'deleted'],
      ['c', 4, 'deleted']
    ])
    assert.deepEqual(cache.stats().evictions, { size: 1, ttl: 0, replaced: 1, deleted: 2 })
  })

  test(`queues at most about a thousand onEvict notifications, ${storage}`, async () => {
    let notified = 0
    /** @type {Cache<number, number>} */
    const cache = new Cache({ max: 1, storage, onEvict: () => notified++ })
    for (let id = 0; id < 5000; id++) {
      cache.set(id, id)
      assert.ok(id - notified <= 1100, `${id - notified} are queued`)
    }
    while (notified < 4999) await turn()
    assert.equal(cache.size, 1)
  })

  test(`onEvict receives all entries removed before close, in batches, ${storage}`, async () => {
    const count = 20_000
    const evicted = new Map()
    /** @type {Cache<number | string, string>} */
    const cache = new Cache({ max: count, storage, onEvict: (id, value) => evicted.set(id, value) })
    for (let id = 0; id < count; id++) cache.set(id, `${id}`)
    cache.clear()
    assert.equal(evicted.size, 0)
    cache.set('late', 'last')
    cache.delete('late')
    cache.close()
    while (evicted.size <= count) await turn()
    assert.equal(evicted.size, count + 1)
    for (const [id, value] of evicted) assert.equal(value, id === 'late' ? 'last' : `${id}`)
  })

  test(`an error thrown by onEvict becomes a warning, ${storage}`, async () => {
    const cause = new RangeError('boom')
    const cache = new Cache({
      max: 1,
      storage,
      name: storage === 'native' ? 'evicts' : undefined,
      onEvict: () => {
        throw cause
      }
    })
    const warned = once(process, 'warning')
    cache.set('a', 1)
    cache.set('b', 2)
    const [warning] = await warned
    const name = storage === 'native' ? "the cache 'evicts'" : 'a cache'
    assert.equal(warning.message, `onEvict of ${name} failed for 'a': RangeError: boom`)
    assert.deepEqual([warning.name, warning.cause], ['Warning', cause])
    assert.equal(cache.peek('b'), 2)
    cache.close()
  })

  if (storage === 'native') {
    test('a value that cannot be decoded for onEvict becomes a warning', async () => {
      const fails = true
      const codec = {
        encode: () => Buffer.of(1),
        decode: () => {
          if (fails) throw new Error('no')
          return 1
        }
      }
      const cache = new Cache({ max: 1, storage, codec, onEvict: () => assert.fail('is called') })
      const warned = once(process, 'warning')
      cache.set('a', 1)
      cache.set('b', 2)
      const [{ message }] = await warned
      assert.equal(
        message,
        "onEvict of a cache was not called for 'a': TypeError: The value of 'a' cannot be decoded: no"
      )
    })
  }

  test(`iterates over a snapshot of the entries, ${storage}`, () => {
    const cache = new Cache({ max: 10, storage })
    for (const id of ['a', 'b', 'c']) cache.set(id, id.toUpperCase())
    const entries = []
    for (const [id, value] of cache) {
      entries.push(`${id}${value}`)
      cache.delete('a')
      cache.set('new', 'N')
    }
    assert.deepEqual(entries, ['cC', 'bB', 'aA'])
  })
}

test('close and clear return memory, and close releases the name', async () => {
  const payload = 100 << 20
  const value = Buffer.alloc(1 << 10)
  for (const end of /** @type {const} */ (['close', 'clear'])) {
    const options = { max: payload / value.length, storage: /** @type {const} */ ('native'), name: `memory ${end}` }
    const cache = new Cache({ ...options, codec: 'bytes' })
    for (let id = 0; id < options.max; id++) cache.set(`${id}`, value)
    const before = process.memoryUsage().rss
    assert.ok(cache.size === options.max && cache.bytes === payload)
    cache[end]()
    while (process.memoryUsage().rss > before - payload / 2) await turn()
    cache.close()
    // The name is free, though the closed cache object still exists.
    new Cache({ ...options, max: 1, codec: 'json' }).close()
  }
})

test('keeps few decoded copies of large values', () => {
  let decoded = 0
  const codec = {
    encode: (/** @type {string} */ text) => Buffer.from(text),
    decode: (/** @type {Buffer} */ bytes) => {
      decoded++
      return bytes.toString()
    }
  }
  /** @type {Cache<number, string>} */
  const cache = new Cache({ maxBytes: 64 << 20, storage: 'native', codec })
  for (let id = 0; id < 60; id++) {
    cache.set(id, 'x'.repeat(1 << 20))
    for (let i = 0; i < 3; i++) cache.peek(id)
  }
  decoded = 0
  for (let id = 0; id < 60; id++) cache.peek(id)
  assert.ok(decoded >= 44, `only ${decoded} of 60 values were decoded again`)
  decoded = 0
  for (let i = 0; i < 10; i++) cache.peek(59)
  assert.equal(decoded, 0)
  cache.close()
})

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`onEvict may call the cache during a burst of evictions, ${storage}`, async () => {
    /** @type {unknown[]} */
    const wrong = []
    let latest = -1
    let notified = 0
    /** @type {Cache<number, number>} */
    const cache = new Cache({
      max: 2,
      storage,
      onEvict(id, value) {
        notified++
        if (value !== id) wrong.push([id, value])
        if (cache.peek(latest) !== latest) wrong.push(['latest', latest])
        cache.get(latest, () => assert.fail('the entry exists')).catch(error => wrong.push(error))
        cache.delete(id)
      }
    })
    for (let id = 0; id < 5000; id++) {
      latest = id
      cache.set(id, id)
    }
    while (notified < 4998) await turn()
    assert.deepEqual(wrong, [])
  })
}

test('heap storage is bounded by the arrays of V8', () => {
  const bounds = new Bounds(Infinity, Infinity)
  assert.equal(bounds.areExceeded(MAX_ENTRIES, 1), false)
  assert.equal(bounds.areExceeded(MAX_ENTRIES + 1, 1), true)
})
