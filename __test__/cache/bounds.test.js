'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Cache } = require('../..')

test('there is no unbounded cache, and bad options say what is wrong', () => {
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

test('ids that are none, loaders that are none, and weights that are none are refused', async () => {
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
    message: /no loader for 'a': pass one to the cache as options\.load$/
  })
  await assert.rejects(cache.get('a', /** @type {any} */ ('x')), { code: 'ERR_INVALID_ARG_TYPE' })
  const options = /** @type {any} */ ({ signal: AbortSignal.abort() })
  await assert.rejects(cache.get('a', options), { code: 'ERR_INVALID_ARG_TYPE', message: /options come third/ })
  for (const store of [0, null, undefined]) {
    const load = (/** @type {string} */ _, /** @type {any} */ context) => {
      context.store = store
    }
    await assert.rejects(cache.get('a', load), { code: 'ERR_INVALID_ARG_TYPE', message: /context\.store/ })
  }
  const light = new Cache({ max: 5 })
  assert.throws(() => light.resize({ maxBytes: 5 }), { code: 'ERR_INVALID_ARG_VALUE', message: /options\.weigh/ })
  assert.throws(() => cache.set('a', 1), { code: 'ERR_OUT_OF_RANGE', message: /weigh returns for 'a'.*-1/ })
  await assert.rejects(
    cache.get('a', () => 1),
    { code: 'ERR_OUT_OF_RANGE' }
  )
  assert.equal(cache.size, 0)
})

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`ids are told apart as a Map tells them, ${storage}`, () => {
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

  test(`never above a bound after a call, ${storage}`, () => {
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
    assert.throws(() => cache.resize(/** @type {any} */ ({ max: -1 })), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => cache.resize({}), { code: 'ERR_INVALID_ARG_TYPE' })
  })

  test(`onEvict hears everything with its reason, after the fact, ${storage}`, async () => {
    /** @type {any[]} */
    const heard = []
    const cache = new Cache({ max: 2, storage, onEvict: (...args) => heard.push(args) })
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('a', 3)
    cache.set('c', 4)
    cache.delete('a')
    cache.clear()
    assert.deepEqual(heard, [])
    while (heard.length < 4) await turn()
    assert.deepEqual(heard, [
      ['a', 1, 'replaced'],
      ['b', 2, 'size'],
      ['a', 3, 'deleted'],
      ['c', 4, 'deleted']
    ])
    assert.deepEqual(cache.stats().evictions, { size: 1, ttl: 0, replaced: 1, deleted: 2 })
  })

  test(`onEvict never has more than a thousand to hear of, ${storage}`, async () => {
    let told = 0
    /** @type {Cache<number, number>} */
    const cache = new Cache({ max: 1, storage, onEvict: () => told++ })
    for (let id = 0; id < 5000; id++) {
      cache.set(id, id)
      assert.ok(id - told <= 1100, `${id - told} are waiting`)
    }
    while (told < 4999) await turn()
    assert.equal(cache.size, 1)
  })

  test(`onEvict hears of all that was cleared or went before the end, in pieces, ${storage}`, async () => {
    const count = 20_000
    const heard = new Map()
    /** @type {Cache<number | string, string>} */
    const cache = new Cache({ max: count, storage, onEvict: (id, value) => heard.set(id, value) })
    for (let id = 0; id < count; id++) cache.set(id, `${id}`)
    cache.clear()
    assert.equal(heard.size, 0)
    cache.set('late', 'last')
    cache.delete('late')
    cache.close()
    while (heard.size <= count) await turn()
    assert.equal(heard.size, count + 1)
    for (const [id, value] of heard) assert.equal(value, id === 'late' ? 'last' : `${id}`)
  })

  test(`what onEvict throws is a warning and harms nothing, ${storage}`, async () => {
    const cache = new Cache({
      max: 1,
      storage,
      onEvict: id => {
        throw new Error(`trouble with ${id}`)
      }
    })
    const warned = once(process, 'warning')
    cache.set('a', 1)
    cache.set('b', 2)
    assert.match((await warned)[0].message, /trouble with a/)
    assert.equal(cache.peek('b'), 2)
  })

  test(`entries are those of one moment, ${storage}`, () => {
    const cache = new Cache({ max: 10, storage })
    for (const id of ['a', 'b', 'c']) cache.set(id, id.toUpperCase())
    const seen = []
    for (const [id, value] of cache) {
      seen.push(`${id}${value}`)
      cache.delete('a')
      cache.set('new', 'N')
    }
    assert.deepEqual(seen, ['cC', 'bB', 'aA'])
  })
}

test('a cache that is closed or cleared gives its memory back, and a named one its name', async () => {
  const payload = 100 << 20
  const value = Buffer.alloc(1 << 10)
  for (const end of /** @type {const} */ (['close', 'clear'])) {
    const options = { max: payload / value.length, storage: /** @type {const} */ ('native'), name: `memory ${end}` }
    const cache = new Cache({ ...options, codec: 'bytes' })
    for (let id = 0; id < options.max; id++) cache.set(`${id}`, value)
    const held = process.memoryUsage().rss
    assert.ok(cache.size === options.max && cache.bytes === payload)
    cache[end]()
    while (process.memoryUsage().rss > held - payload / 2) await turn()
    cache.close()
    // Nobody holds the name any more, though the object is still there.
    new Cache({ ...options, max: 1, codec: 'json' }).close()
  }
})

test('copies of large values do not outweigh the cache', () => {
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
  assert.ok(decoded >= 44, `${60 - decoded} of 60 MiB are held twice`)
  decoded = 0
  for (let i = 0; i < 10; i++) cache.peek(59)
  assert.equal(decoded, 0)
  cache.close()
})

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`onEvict may come back to the cache in the middle of a flood, ${storage}`, async () => {
    /** @type {unknown[]} */
    const wrong = []
    let latest = -1
    let told = 0
    /** @type {Cache<number, number>} */
    const cache = new Cache({
      max: 2,
      storage,
      onEvict(id, value) {
        told++
        if (value !== id) wrong.push([id, value])
        if (cache.peek(latest) !== latest) wrong.push(['latest', latest])
        cache.get(latest, () => assert.fail('it is held')).catch(error => wrong.push(error))
        cache.delete(id)
      }
    })
    for (let id = 0; id < 5000; id++) {
      latest = id
      cache.set(id, id)
    }
    while (told < 4998) await turn()
    assert.deepEqual(wrong, [])
  })
}
