'use strict'

// Values that change when they are read: the result equals JSON.stringify's, or the error has the path.

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

/** Returns an object whose member is small on the first read and another value later. @param {() => unknown} other */
const changing = other => {
  let reads = 0
  return {
    get a() {
      return reads++ === 0 ? 1 : other()
    }
  }
}

const assertTooDeep = (/** @type {unknown} */ value, /** @type {RegExp} */ path) =>
  assert.rejects(pool.run(stringify, value), (/** @type {any} */ error) => {
    assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA', error.stack)
    assert.match(error.message, /5000 levels/)
    assert.match(error.message, path)
    return true
  })

/** @param {() => unknown} make */
async function assertSame(make) {
  assert.equal(String(await pool.run(stringify, make())), JSON.stringify(make()))
}

test('rejects a value that becomes deep after it was measured, with its path', async () => {
  await assertTooDeep(changing(deep), /input\.a\.a/)
  await assertTooDeep({ long, o: changing(deep) }, /input\.o\.a/)
  await assertTooDeep([long, 1, changing(deep), 2], /input\[2\]\.a/)
  const date = Object.assign(new Date(), { toISOString: deep })
  await assertTooDeep({ date }, /input\.date\.a/)
  await assertTooDeep([[date]], /input\[0\]\[0\]\.a/)
  BigIntProto.toJSON = () => ({ x: 1n })
  await assertTooDeep(1n, /input\.x\.x/)
  await assertTooDeep({ a: [1n] }, /input\.a\[0\]\.x/)
  BigIntProto.toJSON = () => 1
  await pool.run(stringify, [[1n]])
  BigIntProto.toJSON = () => [[1n]]
  await assertTooDeep([{ a: 1n }], /input\[0\]\.a\[0\]/)
})

test('writes a value that becomes long after it was measured in steps', async () => {
  const lines = () => new Array(100_000).fill('line')
  const make = () => [long, 1, changing(lines), { b: changing(lines) }]
  const all = JSON.stringify([long, 1, { a: lines() }, { b: { a: lines() } }])
  assert.equal(String(await pool.run(stringify, make())), all)
  /** @type {any} */
  const wide = new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 31 : key === 'toJSON' ? undefined : long) })
  await assert.rejects(pool.run(stringify, [changing(() => wide)]), {
    code: 'ERR_OFFLOOP_OUTPUT_LIMIT',
    message: /at input\[0\]\.a/
  })
})

test('rejects with the error that a getter throws', async () => {
  const reason = new RangeError('thrown by a getter')
  const thrower = {
    get x() {
      throw reason
    }
  }
  for (const value of [thrower, [thrower], { long, thrower }]) {
    await assert.rejects(pool.run(stringify, value), error => error === reason)
  }
})

test('does not call toJSON of a boxed primitive that toJSON returned', async () => {
  /** @type {((it: any) => unknown)[]} */
  const wrappers = [it => it, it => [it], it => ({ long, it }), it => [long, it, { it }]]
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
  for (const wrap of wrappers) {
    for (const box of boxes) {
      await assertSame(() => wrap(box()))
      await assertSame(() => wrap({ toJSON: box }))
      let calls = 0
      const own = box()
      own.toJSON = () => {
        calls++
        return own
      }
      const text = JSON.stringify(wrap(own))
      const expected = calls
      calls = 0
      assert.equal(String(await pool.run(stringify, wrap(own))), text)
      assert.equal(calls, expected)
    }
    for (const answer of [() => Object(3n), () => 3n]) {
      BigIntProto.toJSON = undefined
      await assert.rejects(pool.run(stringify, wrap({ toJSON: answer })), { name: 'TypeError', message: /BigInt/ })
      BigIntProto.toJSON = () => 'ignored'
      assert.throws(() => JSON.stringify(wrap({ toJSON: answer })), TypeError)
      await assert.rejects(pool.run(stringify, wrap({ toJSON: answer })), { name: 'TypeError', message: /BigInt/ })
    }
  }
})

test('passes the key to the toJSON of bigints', async () => {
  BigIntProto.toJSON = function (/** @type {string} */ key) {
    return `${this}${key}`
  }
  const records = Array.from({ length: 5000 }, (_, id) => ({ id: BigInt(id), list: [1n, 2] }))
  for (const value of [1n, [1n, 2n], { a: 1n }, records, { records, map: Object.fromEntries(records.entries()) }]) {
    await assertSame(() => value)
  }
})

test('calls Array.prototype.toJSON only for lists of the value', async () => {
  ArrayProto.toJSON = () => 'a list'
  for (const value of [{ long, a: 1, b: [1] }, [1], [[1], long], new Proxy([], {})]) await assertSame(() => value)
  const bare = Object.assign([1, 'b', long], { toJSON: undefined })
  await assertSame(() => ({ bare }))
})

test('writes random mixtures of odd values like JSON.stringify', async () => {
  /** @type {(() => unknown)[]} */
  const oddValues = [
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
  const leaf = fc.constantFrom(...oddValues)
  /** @type {fc.Memo<() => unknown>} */
  const value = fc.memo(depth =>
    depth <= 1
      ? leaf
      : fc.oneof(
          leaf,
          fc.array(value(depth - 1), { maxLength: 4 }).map(factories => () => factories.map(make => make())),
          fc
            .dictionary(
              fc.oneof(fc.string(), fc.constantFrom('__proto__', 'length', '1', '\ud800')),
              value(depth - 1),
              {
                maxKeys: 4
              }
            )
            .map(factories => () => {
              const entries = Object.entries(factories).map(([key, make]) => [key, make()])
              return Object.fromEntries(entries)
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
    fc.asyncProperty(value(5), fc.boolean(), fc.boolean(), async (make, isLarge, hasToJSON) => {
      if (hasToJSON) BigIntProto.toJSON = (/** @type {string} */ key) => `big ${key}`
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

class List extends Array {}

/** Make lists that become shorter while they are written. @type {Record<string, () => unknown>} */
const SHRINKING = {
  'by toJSON': () => {
    /** @type {any[]} */
    const list = [{ id: 0 }, { toJSON: () => (list.length = 2) }, { id: 2 }, 3]
    return list
  },
  'numbers, by toJSON': () => {
    /** @type {any[]} */
    const list = Array.from({ length: 20_000 }, (_, id) => id)
    list[3] = { toJSON: () => (list.length = 5) }
    return list
  },
  'of a derived class': () => {
    const list = List.from({ length: 3000 }, (_, id) => ({ id }))
    list[1] = /** @type {any} */ ({ toJSON: () => (list.length = 2) })
    return { list, after: 1 }
  }
}

for (const [name, make] of Object.entries(SHRINKING)) {
  test(`writes null for the elements that a list loses, ${name}`, async () => {
    assert.equal(String(await pool.run(stringify, make())), JSON.stringify(make()))
  })
}

test('writes JSON if a getter shortens a list when it is measured', async () => {
  const list = Array.from({ length: 8000 }, (_, id) => ({ id }))
  Object.defineProperty(list[4000], 'size', { enumerable: true, get: () => (list.length = 4001) })
  const values = JSON.parse(String(await pool.run(stringify, list)))
  assert.deepEqual(values[4000], { id: 4000, size: 4001 })
  assert.ok(values.slice(4001).every((/** @type {unknown} */ value) => value === null))
})

test('writes JSON if the caller shortens a list before it is written', async () => {
  for (const element of [1, { id: 1 }, [[]]]) {
    const list = Array.from({ length: 50_000 }, () => element)
    const written = pool.run(stringify, list)
    list.length = 1
    const values = JSON.parse(String(await written))
    assert.equal(values.length, 50_000)
    assert.deepEqual(values[0], element)
  }
})
