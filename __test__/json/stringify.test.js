'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { createServer, get } = require('node:http')
const { once } = require('node:events')
const { buffer } = require('node:stream/consumers')
const { join } = require('node:path')
const { test } = require('node:test')
const { gunzipSync } = require('node:zlib')
const fc = require('fast-check')
const { Pool, move, pool, transforms } = require('../..')

const { json, chain, gzip, digest } = transforms
const stringify = json.stringify()

const records = Array.from({ length: 20_000 }, (_, id) => ({
  id,
  name: `naïve ${id}`,
  at: new Date(id * 1e7),
  tags: [id]
}))

const nested = (/** @type {number} */ depth, /** @type {() => any} */ leaf) => {
  let value = leaf()
  for (let level = 0; level < depth; level++) value = level % 2 ? [1, value, 2] : { a: 1, value, b: 2 }
  return value
}

class Named {
  #name
  constructor(/** @type {unknown} */ name) {
    this.#name = name
  }
  toJSON(/** @type {string} */ key) {
    return { key, name: this.#name }
  }
}

/** @type {Record<string, () => unknown>} */
const SHAPES = {
  'a list of records': () => records,
  'one large object': () => Object.fromEntries(records.map(it => [`k${it.id}`, it])),
  'large values in large values': () => ({ a: [records, { b: records, c: 1 }], d: { e: records }, f: [] }),
  'an object of long members': () =>
    Object.fromEntries(records.map(it => [`m${it.id}`, 'é0'.repeat(it.id % 7 === 0 ? 4000 : 10)])),
  'a list of long and short elements': () => records.map(it => 'x'.repeat(it.id % 9 === 0 ? 9000 : 3)),
  'values that JSON cannot represent': () =>
    records.flatMap(it => [
      undefined,
      () => {},
      Symbol('x'),
      Number.NaN,
      -0,
      { a: undefined, b: () => {}, [Symbol('c')]: 1, d: it.id }
    ]),
  holes: () => Object.assign(new Array(70_000), { 5: 1, name: 'not written' }),
  'lone surrogates and controls': () => records.map(it => `\ud800 \u0000 \u2028 "\\ ${it.id} \udc00`),
  'a long string': () => '0123456789\n"'.repeat(300_000),
  'a long string of pairs': () => ({ a: `x${'\u{1f600}'.repeat(200_000)}`, b: ['é'.repeat(100_000)] }),
  'objects with toJSON': () => records.map(it => new Named(it.id)),
  'toJSON that returns large values': () => ({ a: new Named(records), b: [new Named(new Named(records))] }),
  'toJSON in small values': () => records.map(it => ({ it: { of: [new Named(it.id)] } })),
  'toJSON that returns undefined': () => records.map(it => ({ a: { toJSON() {} }, b: [{ toJSON() {} }], c: it.id })),
  'toJSON that returns its object': () => ({
    a: {
      n: records,
      toJSON() {
        return this
      }
    }
  }),
  'boxed values': () => records.map(it => ({ a: Object(it.id), b: Object('text'), c: Object(true) })),
  'maps, sets, expressions and errors': () =>
    records.map(() => ({ a: new Map([[1, 2]]), b: new Set([1]), c: /x/, d: new Error('e') })),
  'typed arrays and Buffers': () => ({
    a: new Uint8Array(20_000).fill(7),
    b: Buffer.alloc(30_000, 1),
    c: new Float64Array([0.5]),
    d: [Buffer.from('x')]
  }),
  'names like indexes': () => ({ 7: records, b: 1, 3: 2 }),
  'long names': () => Object.fromEntries([...'abc'].map(it => [it.repeat(100_000), records.length])),
  'an object without a prototype': () => Object.assign(Object.create(null), { a: records, ['__proto__']: 1 }),
  'inherited members': () => Object.assign(Object.create({ inherited: records }), { own: records }),
  'non-enumerable members': () => Object.defineProperty({ a: records }, 'hidden', { value: 1, enumerable: false }),
  'a getter': () => ({
    get a() {
      return records
    }
  }),
  'a proxy': () => new Proxy({ a: records, list: new Proxy(records, {}) }, {}),
  'a list of another class': () => class extends Array {}.from(records),
  'deep nesting': () => nested(900, () => records),
  'repeated references': () => [records, records, { a: records[0], b: records[0] }],
  'a name in quotes': () => ({ '"\n': records, '': records }),
  'BigInts with toJSON': () => records.map(it => Object.assign(Object(BigInt(it.id)), { toJSON: () => it.id }))
}

for (const [name, make] of Object.entries(SHAPES)) {
  test(`writes ${name} like JSON.stringify, byte for byte`, async () => {
    const expected = JSON.stringify(make())
    assert.equal(String(await pool.run(stringify, make())), expected)
  })
}

test('writes small values like JSON.stringify', async () => {
  const values = [0, -0, 'text', '', true, null, [], {}, [undefined], { a: undefined }, new Date(0), Number.NaN]
  const texts = await pool.map(stringify, values)
  assert.deepEqual(
    texts.map(String),
    values.map(it => JSON.stringify(it))
  )
  assert.equal(
    String(
      await pool.run(
        stringify,
        nested(40, () => 1)
      )
    ),
    JSON.stringify(nested(40, () => 1))
  )
})

test('writes raw JSON unchanged', { skip: !('rawJSON' in JSON) && 'needs JSON.rawJSON' }, async () => {
  const make = () => records.map(it => /** @type {any} */ (JSON).rawJSON(`1${it.id}`))
  assert.equal(String(await pool.run(stringify, make())), JSON.stringify(make()))
})

test('rejects values that JSON.stringify skips', async () => {
  for (const skipped of [undefined, () => {}, Symbol('x'), { toJSON() {} }]) {
    await assert.rejects(pool.run(stringify, skipped), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('rejects values that JSON.stringify rejects, and the pool keeps working', async () => {
  const cyclic = /** @type {any} */ ({ a: { b: [records] } })
  cyclic.a.b.push({ c: cyclic })
  await assert.rejects(pool.run(stringify, cyclic), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: 'Converting circular structure to JSON: input.a.b[1].c is input, which contains it'
  })
  const small = /** @type {any} */ ([1])
  small.push(small)
  await assert.rejects(pool.run(stringify, small), { name: 'TypeError', message: /circular structure/ })
  for (const [value, path] of /** @type {[any, string][]} */ ([
    [1n, 'input'],
    [[records, 1n], 'input[1]'],
    [{ rows: [{ id: 1 }, { id: Object(2n) }] }, 'input.rows[1].id'],
    [{ toJSON: () => ({ a: 1n }) }, 'input.a']
  ])) {
    const message = `Do not know how to serialize a BigInt at ${path}`
    await assert.rejects(pool.run(stringify, value), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
  }
  const reason = new Error('no')
  const thrower = () => {
    throw reason
  }
  await assert.rejects(pool.run(stringify, [records, { toJSON: thrower }]), it => it === reason)
  await assert.rejects(pool.run(stringify, { toJSON: thrower }), it => it === reason)
  const getter = Object.defineProperty({}, 'x', { get: thrower, enumerable: true })
  await assert.rejects(pool.run(stringify, [records, getter]), it => it === reason)
  assert.equal(String(await pool.run(stringify, [1])), '[1]')
})

test("calls toJSON once, with its key, in the caller's async context", async () => {
  const storage = new AsyncLocalStorage()
  /** @type {unknown[]} */
  const calls = []
  const spy = { toJSON: (/** @type {string} */ key) => calls.push([key, storage.getStore()]) }
  await storage.run('caller', () =>
    pool.run(stringify, { first: spy, list: [records, spy, 1, spy], records, last: { spy } })
  )
  const expected = ['first', '1', '3', 'spy'].map(key => [key, 'caller'])
  assert.deepEqual(calls, expected)
})

test('writes and compresses a large response in one chain', async t => {
  const transform = chain(json.stringify(), gzip())
  const server = createServer(async (_, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(await pool.run(transform, records))
  }).listen(0)
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const [response] = await once(get({ port, agent: false }), 'response')
  assert.equal(String(gunzipSync(await buffer(response))), JSON.stringify(records))
})

test('works at the beginning, in the middle and at the end of a chain', async () => {
  const expected = JSON.stringify(records)
  assert.deepEqual(await pool.run(chain(json.stringify(), json.parse()), records), JSON.parse(expected))
  const hex = digest('sha256', { encoding: 'hex' })
  assert.equal(
    await pool.run(chain(json.stringify(), gzip(), transforms.gunzip(), hex), records),
    await pool.run(hex, expected)
  )
  const echo = transforms.worker(join(__dirname, '../fixtures/worker/functions.js'))
  assert.equal(String(await pool.run(chain(echo, json.stringify(), json.minify()), records)), expected)
  assert.deepEqual(await pool.run(chain(json.parse(), json.stringify()), ' [ 1 ] '), Buffer.from('[1]'))
})

test('validates options when the transform is created', () => {
  assert.throws(() => json.stringify({ sliceMs: 0 }), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => json.stringify(/** @type {any} */ ({ sliceMs: '4' })), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => json.stringify(/** @type {any} */ ({ space: 2 })), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => json.stringify(/** @type {any} */ (null)), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('yields to the event loop while it writes a value', async () => {
  let turns = 0
  let isWritten = false
  const count = () => {
    turns++
    if (!isWritten) setImmediate(count)
  }
  setImmediate(count)
  await pool.run(json.stringify({ sliceMs: 1 }), [records, records, records])
  isWritten = true
  assert.ok(turns > 4, `${turns} event-loop iterations`)
})

test('an abort at any time rejects and releases all resources', async () => {
  const own = new Pool({ threads: 1 })
  for (let turns = 0; turns < 16; turns++) {
    const controller = new AbortController()
    const running = own.run(stringify, records, { signal: controller.signal })
    const outcome = running.then(
      () => 'written',
      error => error.name
    )
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    controller.abort()
    assert.ok(['AbortError', 'written'].includes(await outcome))
  }
  while (own.stats().queuedBytes > 0) await new Promise(resolve => setImmediate(resolve))
  await own.close()
})

test('toJSON may abort the task that calls it, and also throw', async () => {
  const own = new Pool({ threads: 1 })
  for (const throws of [false, true]) {
    const controller = new AbortController()
    const toJSON = () => {
      controller.abort()
      if (throws) throw new Error('thrown after the abort')
    }
    const running = own.run(stringify, [records, { toJSON }, records], { signal: controller.signal })
    await assert.rejects(running, { name: 'AbortError' })
  }
  const values = Array.from({ length: 50 }, (_, id) => ({ id }))
  assert.deepEqual(
    (await own.map(stringify, values)).map(String),
    values.map(it => JSON.stringify(it))
  )
  await own.close()
})

test('rejects text that exceeds maxQueueBytes and releases its bytes', async () => {
  const own = new Pool({ threads: 1, maxQueueBytes: 1 << 20 })
  const outcomes = await Promise.allSettled([own.run(stringify, records), own.run(stringify, records)])
  const rejected = outcomes.filter(it => it.status === 'rejected')
  assert.equal(rejected.length, 1)
  assert.equal(/** @type {any} */ (rejected[0]).reason.code, 'ERR_OFFLOOP_QUEUE_FULL')
  assert.equal(own.stats().queuedBytes, 0)
  assert.equal(String(await own.run(stringify, records)), JSON.stringify(records))
  await own.close()
})

test('writes arbitrary values like JSON.stringify', async () => {
  const any = fc.anything({
    withDate: true,
    withMap: true,
    withSparseArray: true,
    withTypedArray: true,
    withNullPrototype: true,
    withBoxedValues: true
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(any, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 3000 }),
      async (values, copies) => {
        const all = [Array.from({ length: copies }, () => values), { values, long: 'x'.repeat(70_000) }]
        assert.equal(String(await pool.run(stringify, all)), JSON.stringify(all))
      }
    ),
    { numRuns: 60 }
  )
})

test('measures a large value a few times, however deeply it is nested', async () => {
  let calls = 0
  /** @type {any} */
  let value = { x: 1 }
  for (let level = 0; level < 60; level++) {
    value = {
      get got() {
        calls++
        return 1
      },
      child: value,
      pad: 'z'.repeat(2000)
    }
  }
  await pool.run(stringify, value)
  assert.ok(calls <= 60 * 4, `${calls} calls of 60 getters`)
})

test('passes deep values to JSON.stringify whole', async t => {
  const value = Array.from({ length: 20 }, () => {
    /** @type {unknown} */
    let nested = 1
    for (let level = 0; level < 1000; level++) nested = level % 2 ? [nested, level] : { nested, level }
    return nested
  })
  const expected = JSON.stringify(value)
  const { mock } = t.mock.method(JSON, 'stringify')
  const text = String(await pool.run(stringify, value))
  const calls = mock.callCount()
  mock.restore()
  assert.equal(text, expected)
  // A slow machine opens some levels.
  assert.ok(calls < 5000, `${calls} calls for 20,000 levels`)
})

test('writes long lists with and without numbers', async () => {
  const numbers = Array.from({ length: 30_000 }, (_, index) => (index % 3 ? index : -index / 7))
  const holes = [...numbers, NaN, -0, Infinity]
  delete holes[0]
  delete holes[20_000]
  const mixed = numbers.map((number, index) => (index % 1000 ? number : { number, text: '漢字é' }))
  const texts = numbers.map(number => (number % 2 ? `é${number}` : `漢${number}`))
  for (const value of [numbers, holes, mixed, texts, [numbers, texts, [], numbers], { numbers, mixed }]) {
    assert.equal(String(await pool.run(stringify, value)), JSON.stringify(value))
  }
})

test("reads each value in its caller's async context", async () => {
  const storage = new AsyncLocalStorage()
  /** @type {Record<string, Set<unknown>>} */
  const stores = { a: new Set(), b: new Set(), c: new Set() }
  const recordsOf = (/** @type {string} */ user) =>
    Array.from({ length: 10_000 }, () => ({
      get who() {
        stores[user].add(storage.getStore())
        return 'user'
      }
    }))
  await Promise.all(Object.keys(stores).map(user => storage.run(user, () => pool.run(stringify, recordsOf(user)))))
  assert.deepEqual(stores, { a: new Set(['a']), b: new Set(['b']), c: new Set(['c']) })
})

test('writes lists whose elements take longer than a step to measure', async () => {
  let reads = 0
  const slow = () => {
    reads++
    const end = performance.now() + 0.5
    while (performance.now() < end);
    return 1
  }
  const element = (/** @type {number} */ id) => {
    const parts = Array.from({ length: 200 }, (_, index) => [id, { index }])
    return id % 3 === 0 ? { id, parts } : Object.defineProperty({ parts }, 'slow', { get: slow, enumerable: true })
  }
  const value = Array.from({ length: 60 }, (_, id) => (id % 5 === 0 ? id : [element(id)]))
  const written = String(await pool.run(stringify, value))
  const elements = value.filter(it => typeof it === 'object').length
  assert.ok(reads <= 4 * elements, `${reads} reads of ${elements} elements`)
  assert.equal(written, JSON.stringify(value))
})

test('passes the key to the toJSON of functions', async () => {
  const named = Object.assign(() => {}, { toJSON: (/** @type {string} */ key) => `<${key}>` })
  const value = ['x'.repeat(70_000), 1, named, { named }, Object.fromEntries(records.map(it => [`k${it.id}`, named]))]
  assert.equal(String(await pool.run(stringify, value)), JSON.stringify(value))
})

test('does not call toJSON of a returned value, but of its members', async () => {
  const fn = Object.assign(() => 1, { toJSON: () => 'X' })
  class Listed extends Array {
    toJSON() {
      return records
    }
  }
  const value = {
    a: { toJSON: () => fn },
    b: [{ toJSON: () => fn }],
    c: { d: new Listed(), e: { f: fn } }
  }
  assert.equal(String(await pool.run(stringify, value)), JSON.stringify(value))
})

test('writes a moved value', async () => {
  assert.equal(String(await pool.run(stringify, move(new Uint8Array([1, 2])))), '{"0":1,"1":2}')
})

test('counts its tasks under its name', async t => {
  const own = new Pool({ threads: 1 })
  t.after(() => own.close())
  await own.run(stringify, {})
  await own.run(chain(stringify, gzip()), {})
  assert.deepEqual(Object.keys(own.stats().byTransform).sort(), ['chain', 'json.stringify'])
})
