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

test('writes the small members of large objects like JSON.stringify', async () => {
  const values = [
    { a: 1 },
    [],
    {},
    [1, 'b'],
    { toJSON: () => 7 },
    new Date(0),
    1,
    'x',
    undefined,
    null,
    { b: undefined }
  ]
  const names = ['', '1', '01', '-1', '"', 'é', '\udc00', '__proto__', 'toJSON', 'constructor', 'length']
  for (const shift of values.keys()) {
    const object = Object.create(null)
    for (let id = 0; id < 6000; id++) {
      const name = id < names.length ? names[id] : `${names[id % names.length]}${id}`
      object[name] = values[(id + shift) % (id < 3000 ? values.length : 4)]
    }
    assert.equal(String(await pool.run(stringify, object)), JSON.stringify(object))
  }
})

test('omits members that turn out to have no text', async () => {
  const vanishing = () => {
    let reads = 0
    return Object.defineProperty({}, 'toJSON', { get: () => (reads++ === 0 ? undefined : () => undefined) })
  }
  const values = [() => ({ a: 1 }), vanishing, vanishing, () => 1, vanishing]
  for (const shift of values.keys()) {
    const entries = Array.from({ length: 6000 }, (_, id) => {
      const make = values[(id + shift) % values.length]
      return [`k${id}`, make(), make === vanishing]
    })
    const expected = Object.fromEntries(entries.filter(([, , vanishes]) => !vanishes))
    const text = String(await pool.run(stringify, Object.fromEntries(entries)))
    // A member that is taken apart because time has run out is empty instead.
    const isEmpty = (/** @type {any} */ value) => typeof value === 'object' && Object.keys(value).length === 0
    assert.deepEqual(
      JSON.parse(text, (_, value) => (isEmpty(value) ? undefined : value)),
      expected
    )
  }
})

test('writes members one by one if one of them turns out too deep', async () => {
  /** @type {object} */
  let deep = {}
  for (let level = 0; level < 4900; level++) deep = { deep }
  const object = Object.fromEntries(Array.from({ length: 6000 }, (_, id) => [`k${id}`, { id }]))
  let reads = 0
  Object.defineProperty(object.k5000, 'later', { enumerable: true, get: () => (reads++ === 0 ? 1 : deep) })
  const before = JSON.stringify(Object.fromEntries(Object.entries(object).slice(0, 5000))).slice(0, -1)
  const after = JSON.stringify(Object.fromEntries(Object.entries(object).slice(5001))).slice(1)
  const later = `${'{"deep":'.repeat(4900)}{}${'}'.repeat(4900)}`
  const text = String(await pool.run(stringify, object))
  assert.ok(text === `${before},"k5000":{"id":5000,"later":${later}},${after}`)
  assert.ok(reads > 1)
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
