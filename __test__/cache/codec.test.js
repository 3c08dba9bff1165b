'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { isDeepStrictEqual } = require('node:util')
const v8 = require('node:v8')
const fc = require('fast-check')
const { Cache } = require('../..')

/** Returns a value after a round trip through native storage. @param {unknown} value */
function roundTrip(value) {
  const cache = new Cache({ max: 1, storage: 'native' })
  cache.set('a', value)
  const found = cache.peek('a')
  cache.close()
  return found
}

/** @param {unknown} value */
const cloned = value => v8.deserialize(v8.serialize(value))

test("'v8' produces the same value as a structured clone", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    withBoxedValues: true
  })
  const lone = fc.string({ unit: fc.constantFrom('a', '\ud800', '\udc00', '"', '\\', '\u2028', '\0', 'é', '😀') })
  fc.assert(
    fc.property(fc.oneof(anything, fc.jsonValue(), lone, fc.dictionary(lone, lone)), value => {
      // The comparison does not consider two invalid dates equal.
      fc.pre(isDeepStrictEqual(cloned(value), cloned(value)))
      assert.deepStrictEqual(roundTrip(value), cloned(value))
    }),
    { numRuns: 1000 }
  )
})

test("'v8' preserves values that JSON cannot represent or would change", () => {
  class Point {
    x = 1
  }
  const extra = Object.assign([1, 2], { name: 'extra' })
  const long = Array.from({ length: 2000 }, (_, i) => ({ i }))
  for (const value of [
    -0,
    [-0],
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    { a: undefined },
    [undefined],
    Object.assign([1, 2, 3], { length: 5 }),
    extra,
    new Point(),
    new Date(0),
    { at: new Date(0) },
    JSON.parse('{"__proto__": 1}'),
    { 2: 'b', 1: 'a' },
    '',
    '\ud800',
    long
  ]) {
    assert.deepStrictEqual(roundTrip(value), cloned(value))
  }
})

test("'v8' preserves shared references and cycles", () => {
  const part = { a: 1 }
  const twice = /** @type {any} */ (roundTrip({ first: part, second: part }))
  assert.equal(twice.first, twice.second)
  /** @type {any} */
  const cyclic = { name: 'cyclic' }
  cyclic.self = cyclic
  const found = /** @type {any} */ (roundTrip(cyclic))
  assert.equal(found.self, found)
})

test("'v8' does not call toJSON, and rejects values that cannot be cloned", () => {
  assert.deepEqual(roundTrip({ a: 1, toJSON: 7 }), { a: 1, toJSON: 7 })
  const cache = new Cache({ max: 1, storage: 'native' })
  for (const value of [
    () => 1,
    Symbol('a'),
    { toJSON: () => 'other' },
    { deep: [{ f() {} }] },
    new Proxy({ a: 1 }, {})
  ]) {
    assert.throws(() => cache.set('a', value), { code: 'ERR_INVALID_ARG_VALUE', message: /cannot be encoded/ })
  }
  assert.equal(cache.size, 0)
})
