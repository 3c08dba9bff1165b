'use strict'

// Values of every shape are written and built in steps that handle little text each.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const parse = transforms.json.parse()
const stringify = transforms.json.stringify()

/** Most characters of a step. Pieces have about 48 Ki, or twice as many if that saves a level. */
const MAX_STEP = 300_000

const list = (/** @type {number} */ length, /** @type {(index: number) => unknown} */ make) =>
  Array.from({ length }, (_, index) => make(index))

const map = (/** @type {number} */ length, /** @type {(index: number) => [string | number, unknown]} */ make) =>
  Object.fromEntries(list(length, index => make(index)).map(it => /** @type {[string, unknown]} */ (it)))

const record = (/** @type {number} */ id) => ({
  id,
  name: `user ${id}`,
  score: Math.sin(id),
  tags: ['a', `t${id % 9}`]
})

const nest = (/** @type {number} */ depth) => {
  /** @type {unknown} */
  let value = { leaf: 1 }
  for (let level = 0; level < depth; level++) value = level % 2 ? [value, level] : { a: value, b: `x${level}` }
  return value
}

/** @type {Record<string, () => any>} */
const SHAPES = {
  records: () => list(20_000, record),
  'a map of records': () => map(20_000, id => [`key ${id}`, record(id)]),
  'a map of integers': () => map(100_000, id => [`key${id}`, id]),
  'a map of floats': () => map(60_000, id => [`key${id}`, Math.sin(id)]),
  'a map of strings': () => map(60_000, id => [`key${id}`, `value ${id} "\n`]),
  'a map with indices as names': () => map(150_000, id => [id * 3, id]),
  'a map with names that look like indices': () =>
    map(60_000, id => [
      ['01', '1e3', '-1', '1.5', '4294967295', '999999999', '1000000000'][id % 7] + (id % 2 ? id : ''),
      id
    ]),
  'a map of maps': () => map(60, id => [`m${id}`, map(1000, inner => [`n${inner}`, { v: inner }])]),
  integers: () => list(400_000, id => (id * 7919) % 1_000_003),
  floats: () => list(300_000, id => Math.sin(id) * 1000),
  'integers, then floats, then text': () =>
    list(300_000, id => (id < 280_000 ? id : id < 290_000 ? id + 0.5 : `${id}`)),
  'floats, then text': () => list(300_000, id => (id < 290_000 ? id + 0.5 : { id })),
  'booleans and nulls': () => list(400_000, id => [true, false, null][id % 3]),
  'short strings': () => list(200_000, id => `item-${id}`),
  'distinct short strings': () => list(60_000, id => ({ id: `${id}`, name: id % 9 ? `n ${id}` : `é ${id}` })),
  'a map of distinct short strings': () => map(60_000, id => [`key${id}`, { id: `${id}` }]),
  'distinct short strings, some wide': () => list(60_000, id => [`${id}`, id % 3000 ? 'a' : '漢字']),
  'short lists': () => list(200_000, id => [id, id % 7, id / 8]),
  'empty containers': () => list(400_000, id => (id % 2 ? [] : {})),
  'deeply nested values': () => list(50, id => nest(800 + id)),
  'long strings': () => list(20, id => `lorem "ipsum" \n${id}`.repeat(10_000)),
  'a long string': () => 'abcdefgh ij'.repeat(300_000),
  'Latin-1 text': () => list(20_000, id => ({ id, text: 'Größe, façade, naïve '.repeat(6) })),
  'Latin-1 text with a few other characters': () =>
    list(20_000, id => ({ id, text: `${'Größe '.repeat(20)}${id % 40 ? '' : '€ 😀'}` })),
  'ASCII with a few other characters': () =>
    list(20_000, id => ({ id, text: `${'plain text '.repeat(9)}${id % 5 ? '' : '—'}` })),
  'wide text': () => list(20_000, id => ({ id, text: 'Привет мир 漢字 😀 '.repeat(5) })),
  'long wide strings': () => list(10, id => `${'漢字かな交じり文 😀'.repeat(20_000)}${id}`)
}

for (const [shape, make] of Object.entries(SHAPES)) {
  test(`writes ${shape} in small steps, like JSON.stringify`, async t => {
    const value = make()
    const expected = JSON.stringify(value)
    let longest = 0
    const write = JSON.stringify
    t.after(() => {
      JSON.stringify = write
    })
    JSON.stringify = (/** @type {unknown} */ part) => {
      const text = write(part)
      if (text?.length > longest) longest = text.length
      return text
    }
    assert.equal(String(await pool.run(stringify, value)), expected)
    assert.ok(longest > 0 && longest <= MAX_STEP, `${longest} of ${expected.length} characters in a step`)
  })

  test(`builds ${shape} in small steps, like JSON.parse`, async t => {
    const text = JSON.stringify(make())
    const expected = JSON.parse(text)
    let longest = 0
    const build = JSON.parse
    t.after(() => {
      JSON.parse = build
    })
    JSON.parse = part => {
      if (part.length > longest) longest = part.length
      return build(part)
    }
    const value = await pool.run(parse, Buffer.from(text))
    // Compares the order of names too.
    assert.equal(JSON.stringify(value), text)
    assert.deepStrictEqual(value, expected)
    assert.ok(longest <= MAX_STEP, `${longest} of ${text.length} characters in a step`)
  })
}

test('writes a list whose elements are getters like JSON.stringify', async () => {
  const make = () => {
    const values = list(50_000, id => id)
    for (let id = 0; id < 50_000; id += 100)
      Object.defineProperty(values, id, { get: () => record(id), enumerable: true })
    return values
  }
  assert.equal(String(await pool.run(stringify, make())), JSON.stringify(make()))
})

test('writes a list with holes, inherited elements and another constructor like JSON.stringify', async () => {
  const make = () => {
    const values = new Array(50_000)
    for (let id = 0; id < 50_000; id += 3) values[id] = id + 0.5
    return [
      values,
      Object.assign(values.slice(), { constructor: null }),
      Object.setPrototypeOf(values.slice(), { 1: 'one' })
    ]
  }
  assert.equal(String(await pool.run(stringify, make())), JSON.stringify(make()))
})

test('defines members whose names are inherited, also as indices', async t => {
  t.after(() => delete (/** @type {any} */ (Object.prototype)[7]))
  Object.defineProperty(Object.prototype, 7, { configurable: true, set: () => assert.fail('a setter was called') })
  const text = JSON.stringify(map(100_000, id => [id, id]))
  const value = /** @type {any} */ (await pool.run(parse, text.replace('"99990":', '"7":0,"__proto__":[1],"99990":')))
  assert.equal(value[7], 0)
  assert.deepEqual(Object.getOwnPropertyDescriptor(value, '__proto__')?.value, [1])
  assert.equal(Object.keys(value).length, 100_001)
})
