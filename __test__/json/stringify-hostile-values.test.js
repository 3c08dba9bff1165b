'use strict'

// Values that are not what they seem: the result is that of JSON.stringify, or an error with the place.

const assert = require('node:assert/strict')
const { afterEach, test } = require('node:test')
const fc = require('fast-check')
const { pool, transforms } = require('../..')

const stringify = transforms.json.stringify()
const long = 'x'.repeat(70_000)
const BigIntProto = /** @type {any} */ (BigInt.prototype)
const ArrayProto = /** @type {any} */ (Array.prototype)

afterEach(() => {
  delete BigIntProto.toJSON
  delete ArrayProto.toJSON
})

/** @returns {any} */
const deep = () => ({
  get a() {
    return deep()
  }
})

/** Something small that becomes another value when it is read again. @param {() => unknown} other */
const twoFaced = other => {
  let reads = 0
  return {
    get a() {
      return reads++ === 0 ? 1 : other()
    }
  }
}

/** @param {unknown} value @param {RegExp} place */
const isTooDeep = (value, place) =>
  assert.rejects(pool.run(stringify, value), (/** @type {any} */ error) => {
    assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA', error.stack)
    assert.match(error.message, /5000 levels/)
    assert.match(error.message, place)
    return true
  })

/** @param {() => unknown} make */
async function isSame(make) {
  assert.equal(String(await pool.run(stringify, make())), JSON.stringify(make()))
}

test('what becomes deep after it was measured is refused with its place', async () => {
  await isTooDeep(twoFaced(deep), /input\.a\.a/)
  await isTooDeep({ long, o: twoFaced(deep) }, /input\.o\.a/)
  await isTooDeep([long, 1, twoFaced(deep), 2], /input\[2\]\.a/)
  const date = Object.assign(new Date(), { toISOString: deep })
  await isTooDeep({ date }, /input\.date\.a/)
  await isTooDeep([[date]], /input\[0\]\[0\]\.a/)
  BigIntProto.toJSON = () => ({ x: 1n })
  await isTooDeep(1n, /input\.x\.x/)
  await isTooDeep({ a: [1n] }, /input\.a\[0\]\.x/)
  BigIntProto.toJSON = () => 1
  await pool.run(stringify, [[1n]])
  BigIntProto.toJSON = () => [[1n]]
  await isTooDeep([{ a: 1n }], /input\[0\]\.a\[0\]/)
})

test('what becomes long after it was measured is written in parts', async () => {
  const lines = () => new Array(100_000).fill('line')
  const make = () => [long, 1, twoFaced(lines), { b: twoFaced(lines) }]
  const all = JSON.stringify([long, 1, { a: lines() }, { b: { a: lines() } }])
  assert.equal(String(await pool.run(stringify, make())), all)
  /** @type {any} */
  const wide = new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 31 : key === 'toJSON' ? undefined : long) })
  await assert.rejects(pool.run(stringify, [twoFaced(() => wide)]), {
    code: 'ERR_OFFLOOP_OUTPUT_LIMIT',
    message: /at input\[0\]\.a/
  })
})

test('an error of a getter stays what it is', async () => {
  const reason = new RangeError('mine')
  const thrower = {
    get x() {
      throw reason
    }
  }
  for (const value of [thrower, [thrower], { long, thrower }]) {
    await assert.rejects(pool.run(stringify, value), error => error === reason)
  }
})

test('a toJSON that returns a boxed primitive is not asked for another', async () => {
  /** @type {((it: any) => unknown)[]} */
  const places = [it => it, it => [it], it => ({ long, it }), it => [long, it, { it }]]
  const boxes = [
    () => Object(3),
    () => Object('text'),
    () => Object(long),
    () => Object(false),
    () => Object(Symbol('s')),
    () => Object.assign(Object(Symbol('s')), { own: [1] }),
    () => Object.assign(Object(5), { valueOf: () => 9 }),
    () => Object.assign(Object('a'), { toString: () => 'b' }),
    () => Object.assign(Object(true), { valueOf: () => false })
  ]
  for (const place of places) {
    for (const box of boxes) {
      await isSame(() => place(box()))
      await isSame(() => place({ toJSON: box }))
      let calls = 0
      const own = box()
      own.toJSON = () => {
        calls++
        return own
      }
      const text = JSON.stringify(place(own))
      const expected = calls
      calls = 0
      assert.equal(String(await pool.run(stringify, place(own))), text)
      assert.equal(calls, expected)
    }
    for (const answer of [() => Object(3n), () => 3n]) {
      BigIntProto.toJSON = undefined
      await assert.rejects(pool.run(stringify, place({ toJSON: answer })), { name: 'TypeError', message: /BigInt/ })
      BigIntProto.toJSON = () => 'told'
      assert.throws(() => JSON.stringify(place({ toJSON: answer })), TypeError)
      await assert.rejects(pool.run(stringify, place({ toJSON: answer })), { name: 'TypeError', message: /BigInt/ })
    }
  }
})

test('bigints with toJSON are written with their keys', async () => {
  BigIntProto.toJSON = function (/** @type {string} */ key) {
    return `${this}${key}`
  }
  const records = Array.from({ length: 5000 }, (_, id) => ({ id: BigInt(id), list: [1n, 2] }))
  for (const value of [1n, [1n, 2n], { a: 1n }, records, { records, map: Object.fromEntries(records.entries()) }]) {
    await isSame(() => value)
  }
})

test('a toJSON of all lists is asked for those of the value only', async () => {
  ArrayProto.toJSON = () => 'a list'
  for (const value of [{ long, a: 1, b: [1] }, [1], [[1], long], new Proxy([], {})]) await isSame(() => value)
  const bare = Object.assign([1, 'b', long], { toJSON: undefined })
  await isSame(() => ({ bare }))
})

test('any mixture of odd values', async () => {
  /** @type {(() => unknown)[]} */
  const odd = [
    () => Object(1),
    () => Object('boxed'),
    () => Object(1n),
    () => Object(Symbol('s')),
    () => Object.assign(Object(2), { toJSON: () => Object(3) }),
    () => 12n,
    () => new Date(0),
    () => new Date(Number.NaN),
    () => Object.assign(new Date(1), { toJSON: (/** @type {string} */ key) => `own ${key}` }),
    () => Object.assign(new Date(2), { toISOString: () => ({ own: [Object('iso')] }) }),
    () => Object.assign([1, 2], { 5: 'sparse' }),
    () => Object.assign(new Array(4), { 2: long }),
    () => new Proxy([1, [Object('x')], long], {}),
    () => new Proxy({ b: 1, ['__proto__']: 2 }, {}),
    () => JSON.parse('{"__proto__":{"a":1},"b":2}'),
    () => Object.create(null, { x: { get: () => [long], enumerable: true } }),
    () => '\ud800',
    () => `${long}\udc00`,
    () => ({ '\udfff': '\ud83d' }),
    () => Object.assign(() => 1, { toJSON: (/** @type {string} */ key) => [key] }),
    () => /** @type {any} */ (JSON).rawJSON?.('1e1000') ?? 1,
    () => ({ toJSON: () => Object(long) }),
    () => ({ toJSON: () => new Map([[1, 2]]) }),
    () => ({ toJSON: () => Object(1n) }),
    () =>
      Object.assign(Object(4), {
        toJSON() {
          return this
        }
      }),
    () => undefined,
    () => -0
  ]
  const leaf = fc.constantFrom(...odd)
  /** @type {fc.Memo<() => unknown>} */
  const value = fc.memo(depth =>
    depth <= 1
      ? leaf
      : fc.oneof(
          leaf,
          fc.array(value(depth - 1), { maxLength: 4 }).map(makes => () => makes.map(make => make())),
          fc
            .dictionary(
              fc.oneof(fc.string(), fc.constantFrom('__proto__', 'length', '1', '\ud800')),
              value(depth - 1),
              {
                maxKeys: 4
              }
            )
            .map(makes => () => {
              const made = Object.entries(makes).map(([key, make]) => [key, make()])
              return Object.fromEntries(made)
            }),
          value(depth - 1).map(make => () => ({ toJSON: (/** @type {string} */ key) => [key, make()] })),
          value(depth - 1).map(make => () => ({
            get got() {
              return make()
            }
          })),
          value(depth - 1).map(make => () => new Proxy([make()], {}))
        )
  )
  await fc.assert(
    fc.asyncProperty(value(5), fc.boolean(), fc.boolean(), async (make, isLarge, isTold) => {
      if (isTold) BigIntProto.toJSON = (/** @type {string} */ key) => `big ${key}`
      else delete BigIntProto.toJSON
      const all = () => (isLarge ? [make(), long, { it: make() }] : [make()])
      let text
      try {
        text = JSON.stringify(all())
      } catch {
        await assert.rejects(pool.run(stringify, all()), { name: 'TypeError' })
        return
      }
      assert.equal(String(await pool.run(stringify, all())), Buffer.from(text).toString())
    }),
    { numRuns: 1000 }
  )
})
