'use strict'

// Caches that may hold more ids than one Map of V8 can spread them over several.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const fc = require('fast-check')
const { Cache } = require('../..')
const { MAX_MAP, capacityFor, createIndex } = require('../../lib/cache/slot-index')

const LARGE = MAX_MAP + 1

/** Ids of common shapes. @type {Record<string, (n: number) => string | number | bigint>} */
const SHAPES = {
  numbers: n => n,
  fractions: n => n / 8,
  'large numbers': n => 1.7e12 + n * 1000,
  bigints: n => BigInt(n),
  keys: n => `user:${n}`,
  paths: n => `/api/v1/tenants/0000/products/${n}/details`,
  hashes: n => (Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(64, '0')
}

for (const [name, id] of Object.entries(SHAPES)) {
  test(`${name} are spread evenly`, () => {
    const index = createIndex(capacityFor(LARGE))
    const count = 64_000
    for (let n = 0; n < count; n++) index.set(id(n), n)
    const sizes = /** @type {any} */ (index).sizes
    assert.equal(sizes.length, 64)
    assert.ok(Math.max(...sizes) < (3 * count) / 64, `${Math.max(...sizes)} of ${count} ids are in one Map`)
    assert.equal(index.size, count)
    for (let n = 0; n < count; n += 101) assert.equal(index.get(id(n)), n)
  })
}

test('a large cache answers like a small one', () => {
  const id = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom('1', '-0', 1n, 0.5, NaN, Infinity, 'a'.repeat(100))
  )
  const step = fc.record({ kind: fc.constantFrom('set', 'peek', 'has', 'delete', 'clear'), id })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const [small, large] = [MAX_MAP, LARGE].map(max => /** @type {any} */ (new Cache({ max })))
      for (const [index, { kind, id }] of steps.entries()) {
        assert.deepEqual(large[kind](id, index), small[kind](id, index))
        assert.equal(large.size, small.size)
      }
      assert.deepEqual([...large], [...small])
      small.close()
      large.close()
    })
  )
})
