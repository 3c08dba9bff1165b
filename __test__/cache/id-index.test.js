'use strict'

// The index of heap storage: a hash table for numbers and short strings, and a Map for the other ids.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { test } = require('node:test')
const fc = require('fast-check')
const { Cache } = require('../..')
const { IdIndex, hashOf } = require('../../lib/cache/id-index')

/** An index for more ids has several tables. */
const SMALL = 2 ** 18
const LARGE = SMALL + 1

/** Ids of common shapes. @type {Record<string, (n: number) => string | number>} */
const SHAPES = {
  numbers: n => n,
  fractions: n => n / 8,
  'large numbers': n => 1.7e12 + n * 1000,
  keys: n => `user:${n}`,
  paths: n => `/api/v1/tenants/0000/products/${n}/details`,
  hashes: n => (Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(64, '0'),
  'wide characters': n => `\u{1f600}ключ-${n}`
}

for (const [name, id] of Object.entries(SHAPES)) {
  test(`${name} are spread evenly`, () => {
    const index = new IdIndex(LARGE)
    const count = 64_000
    for (let n = 1; n <= count; n++) index.set(id(n), n)
    const sizes = index.tableSizes
    assert.equal(sizes.length, 64)
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      count
    )
    assert.ok(Math.max(...sizes) < (3 * count) / 64, `${Math.max(...sizes)} of ${count} ids are in one table`)
    assert.equal(index.size, count)
    for (let n = 1; n <= count; n += 101) assert.equal(index.get(id(n)), n)
    assert.equal(index.get(id(count + 1)), undefined)
  })
}

const anyId = fc.oneof(
  fc.integer({ min: -3, max: 30 }),
  fc.constantFrom('1', '-0', '0', '', 1n, -0, 0.5, -0.5, NaN, Infinity, 2 ** 31, -(2 ** 31), 2 ** 53),
  fc.integer({ min: 60, max: 70 }).map(length => 'a'.repeat(length)),
  fc.bigInt({ min: -2n, max: 2n ** 70n }),
  fc.string()
)

for (const max of [SMALL, LARGE]) {
  for (const [name, hash] of Object.entries({ 'different hashes': undefined, 'equal hashes': hashOf(7) })) {
    test(`an index for ${max} ids with ${name} answers like a Map`, () => {
      const step = fc.record({ kind: fc.constantFrom('set', 'set', 'delete', 'get'), id: anyId })
      fc.assert(
        fc.property(fc.array(step, { maxLength: 300 }), steps => {
          const index = new IdIndex(max)
          const model = new Map()
          const free = Array.from({ length: steps.length }, (_, n) => n + 1)
          // Different integers cannot have equal hashes.
          const given = (/** @type {any} */ id) =>
            Number.isInteger(id) || hashOf(id) === undefined ? hashOf(id) : hash
          for (const { kind, id } of steps) {
            const slot = model.get(id)
            assert.equal(index.get(id, given(id)), slot)
            if (hash === undefined) assert.equal(index.find(id), slot)
            if (kind === 'set' && slot === undefined) {
              const chosen = /** @type {number} */ (free.shift())
              index.set(id, chosen, given(id))
              model.set(id, chosen)
            }
            if (kind === 'delete' && slot !== undefined) {
              index.delete(slot)
              model.delete(id)
              free.push(slot)
            }
            assert.equal(index.size, model.size)
          }
          for (const [id, slot] of model) assert.equal(index.get(id, given(id)), slot)
        })
      )
    })
  }
}

test('thousands of ids of one hash are found, and deleted', () => {
  const index = new IdIndex(SMALL)
  const count = 5000
  const id = (/** @type {number} */ slot) => slot + 0.5
  for (let slot = 1; slot <= count; slot++) index.set(id(slot), slot, 7)
  assert.deepEqual(index.tableSizes, [256], 'a table has at most as many as a lookup reads')
  for (let slot = 1; slot <= count; slot++) assert.equal(index.get(id(slot), 7), slot)
  assert.equal(index.get(id(0), 7), undefined)
  for (let slot = 1; slot <= count; slot += 2) index.delete(slot)
  for (let slot = 1; slot <= count; slot++) assert.equal(index.get(id(slot), 7), slot % 2 === 0 ? slot : undefined)
  assert.equal(index.size, count / 2)
  assert.deepEqual(index.tableSizes, [128])
})

for (const odd of ['7', 0.5, 2 ** 40]) {
  test(`the integer 7 and ${typeof odd} ${odd} with the same hash are different ids`, () => {
    const index = new IdIndex(SMALL)
    const hash = hashOf(7)
    index.set(odd, 1, hash)
    assert.equal(index.get(7), undefined)
    index.set(7, 2)
    assert.deepEqual([index.get(odd, hash), index.get(7)], [1, 2])
    index.delete(1)
    assert.deepEqual([index.get(odd, hash), index.get(7)], [undefined, 2])
  })
}

for (const count of [1000, 6000]) {
  test(`repeated lookups of ${count} ids return the current slots while ids come and go`, () => {
    const index = new IdIndex(SMALL)
    const names = Array.from({ length: count }, (_, n) => `user:${n}`)
    const slots = new Map(names.map((name, n) => [name, n + 1]))
    for (const [name, slot] of slots) index.set(name, slot)
    /** @type {number[]} */
    const free = []
    for (let step = 0; step < 200_000; step++) {
      const name = names[(step * 7919) % count]
      const slot = slots.get(name)
      if (index.find(name) !== slot) assert.fail(`step ${step}: ${index.find(name)} instead of ${slot}`)
      if (step % 97 === 0 && slot !== undefined) {
        index.delete(slot)
        slots.delete(name)
        free.push(slot)
      } else if (slot === undefined) {
        const chosen = /** @type {number} */ (free.shift())
        index.set(name, chosen)
        slots.set(name, chosen)
      }
    }
    for (const name of names) assert.equal(index.find(name), slots.get(name))
  })
}

test('each process has another hash', () => {
  const print = `process.stdout.write(String(require('${require.resolve('../../lib/cache/id-index')}').hashOf('id')))`
  const [first, second] = [1, 2].map(() => execFileSync(process.execPath, ['-e', print], { encoding: 'utf8' }))
  assert.match(first, /^-?\d+$/)
  assert.notEqual(first, second)
})

test('a large cache answers like a small one', () => {
  const step = fc.record({ kind: fc.constantFrom('set', 'peek', 'has', 'delete', 'clear'), id: anyId })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const [small, large] = [SMALL, LARGE].map(max => /** @type {any} */ (new Cache({ max })))
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
