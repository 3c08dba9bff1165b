'use strict'

// Members of large objects whose values are leaves are written many at a time.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const fc = require('fast-check')
const { pool, transforms } = require('../..')

const stringify = transforms.json.stringify()

test('writes the leaves of large objects like JSON.stringify', async () => {
  const leaves = [
    1.5,
    -0,
    Number.NaN,
    'a',
    '',
    '"',
    '\\',
    '\\"',
    ',":',
    'é漢\ud800',
    'x'.repeat(1500),
    true,
    null,
    undefined,
    Symbol('s')
  ]
  const names = ['', '"', '\\', ',', '":', 'é', '漢', '\udc00', '\n']
  const text = fc.constantFrom(...names)
  const others = fc.constantFrom([], {}, [1, 'b'], { c: '"' })
  const value = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...leaves) }, others)
  const property = fc.asyncProperty(fc.array(fc.tuple(text, value), { minLength: 20 }), async entries => {
    const object = Object.fromEntries(
      Array.from({ length: 6000 }, (_, id) => {
        const [name, leaf] = entries[(id >> 8) % 2 ? 0 : id % entries.length]
        return [`${name}${id}${name}`, leaf]
      })
    )
    assert.equal(String(await pool.run(stringify, object)), JSON.stringify(object))
  })
  await fc.assert(property, { numRuns: 30 })
})

test('does not call a toJSON of Array.prototype for the members of objects', async () => {
  const object = Object.fromEntries(Array.from({ length: 10_000 }, (_, id) => [`k${id}`, id]))
  const expected = JSON.stringify(object)
  Object.defineProperty(Array.prototype, 'toJSON', { value: () => 'wrong', configurable: true })
  try {
    assert.equal(String(await pool.run(stringify, object)), expected)
  } finally {
    Reflect.deleteProperty(Array.prototype, 'toJSON')
  }
})
