'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const { matches, replace } = transforms.text
const { select, validate } = transforms.json

/** Large counts of large classes, a text of the class, and the most characters that match. @type {[string, string, number][]} */
const COUNTED = [
  ['^[\\p{L}\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}]{1,256}$', 'é', 256],
  ['^[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\s]{0,256}$', ' ', 256],
  ['^[\\p{L}\\p{N}\\p{P}]{1,255}$', '1', 255],
  ['^[\\s\\S]{0,20000}$', '\n', 20_000],
  ['^.{1,8000}$', '😀', 8000],
  ['^[^<>]{1,20000}$', 'a', 20_000],
  ['^(?:\\p{L}{1,64}){10}$', 'é', 640]
]

for (const [source, part, most] of COUNTED) {
  test(`${source} counts up to ${most}`, async () => {
    // V8 would backtrack for ages.
    const regex = new RegExp(source.replace('{1,64}){10}', '{10,640})'), 'u')
    const values = validate({ items: { pattern: source } })
    const names = validate({ patternProperties: { [source]: false } })
    const found = matches(source)
    for (const input of [part.repeat(most), part.repeat(most + 1), `${part.repeat(100)}<`, '']) {
      const is = regex.test(input)
      assert.equal((await pool.run(values, JSON.stringify([input]))).valid, is)
      assert.equal((await pool.run(names, JSON.stringify({ [input]: 1 }))).valid, !is)
      assert.equal((await pool.run(found, input)).length, is ? 1 : 0)
      assert.deepEqual(
        await pool.run(select(`$[?search(@, ${JSON.stringify(source)})]`), JSON.stringify([input])),
        is ? [input] : []
      )
    }
  })
}

test('a count without an end matches in the text', async () => {
  const source = '[a-z]{1,100000}'
  assert.equal((await pool.run(validate({ pattern: source }), '"-a"')).valid, true)
  assert.equal((await pool.run(validate({ patternProperties: { [source]: false } }), '{"A":1}')).valid, true)
  const found = await pool.run(matches(source), `-${'a'.repeat(100_001)}`)
  assert.deepEqual(
    found.map(it => [it.start, it.end]),
    [
      [1, 100_001],
      [100_001, 100_002]
    ]
  )
})

test('the patterns of a schema share a limit', async () => {
  const many = Array.from({ length: 400 }, (_, place) => ({ pattern: `^\\p{L}{1,64}${place}$` }))
  const { valid } = await pool.run(validate({ anyOf: many }), '"é399"')
  assert.equal(valid, true)
  const patternProperties = Object.fromEntries(many.map(it => [it.pattern, true]))
  assert.throws(() => validate({ patternProperties }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /the patterns of the schema require more than 64 MiB together/
  })
})

/** The shortest of three runs. @param {() => unknown} run */
async function time(run) {
  let shortest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const start = process.hrtime.bigint()
    await run()
    shortest = Math.min(shortest, Number(process.hrtime.bigint() - start))
  }
  return shortest
}

test('groups are read from the match alone, not from the text behind it', async () => {
  const input = 'ab'.repeat(2500)
  const [grouped, plain] = [matches('(?:(a)|b)*?c|(?:(d)|[ab])'), matches('(?:a|b)*?c|(?:d|[ab])')]
  const found = await pool.run(grouped, input)
  assert.deepEqual([found.length, found[0]], [5000, { start: 0, end: 1, groups: [null, null] }])
  const [slow, fast] = [await time(() => pool.run(grouped, input)), await time(() => pool.run(plain, input))]
  assert.ok(slow < 8 * fast, `${slow} ns with groups, ${fast} ns without`)
})

test('groups end with the match where the text after it decides', async () => {
  for (const [source, input] of [
    ['(?:(a)|b)+$', 'ab\nab'],
    ['(?:(a)|(b))+?\\b', 'abab ab'],
    ['(?:(a)|b)*?', 'abab'],
    ['(?:(a)|(b))*\\B', 'abab']
  ]) {
    const expected = [...input.matchAll(new RegExp(source, 'gu'))].map(it => [it.index, ...it])
    const found = await pool.run(matches(source), input)
    assert.deepEqual(
      found.map(it => [it.start, input.slice(it.start, it.end), ...it.groups.map(group => group ?? undefined)]),
      expected,
      source
    )
  }
})

test('patterns of a document take a short time', async () => {
  /** @param {(place: number) => string} of */
  const rows = of => JSON.stringify(Array.from({ length: 200 }, (_, place) => ({ t: 'é', p: of(place) })))
  const chosen = select('$[?search(@.t, @.p)]')
  const [large, small] = [rows(place => `\\p{L}{200}${place}`), rows(place => `é|${place}`)]
  assert.deepEqual([(await pool.run(chosen, large)).length, (await pool.run(chosen, small)).length], [0, 200])
  const [slow, fast] = [await time(() => pool.run(chosen, large)), await time(() => pool.run(chosen, small))]
  assert.ok(slow < 20 * fast, `${slow} ns for large ones, ${fast} ns for small ones`)
})

test('a class of many properties takes a short time', async () => {
  const schema = validate({ $schema: 'http://json-schema.org/draft-07/schema#', items: { format: 'regex' } })
  const of = (/** @type {string} */ member) => JSON.stringify([`[${member.repeat(20_000)}]`])
  for (const member of ['\\p{sc=Zzzz}', '\\P{Lu}', '\\w\\D', '(?i:\\P{Lu})']) {
    assert.equal((await pool.run(schema, of(member))).valid, true)
    const [slow, fast] = [await time(() => pool.run(schema, of(member))), await time(() => pool.run(schema, of('\\d')))]
    assert.ok(slow < 60 * fast, `${slow} ns for ${member}, ${fast} ns for \\d`)
  }
})

test('a string is never taken for another encoding', async () => {
  const inputs = ['a\0b\0c\0x\0e\0f\0g\0h\0', '\0a\0b\0c\0x\0e\0f', 'a\0\0\0x\0\0\0'.repeat(3), 'x\0'.repeat(400_000)]
  for (const input of inputs) {
    const expected = input.replaceAll('x', 'y')
    assert.equal(await pool.run(replace('x', 'y'), input), expected)
    assert.deepEqual(await pool.map(replace('x', 'y'), [input, 'x', input]), [expected, 'y', expected])
    assert.equal((await pool.run(matches('x'), input)).length, input.split('x').length - 1)
    const refused = { code: 'ERR_OFFLOOP_INVALID_DATA', message: /suggest UTF-/ }
    await assert.rejects(pool.run(replace('x', 'y'), Buffer.from(input)), refused)
    await assert.rejects(pool.map(matches('x'), [Buffer.from(input)]), refused)
  }
})

test('a schema by a reference has the same dialect', async () => {
  const inner = (/** @type {string} */ name) => ({ patternProperties: { [name]: false }, pattern: '^\\p{Lu}' })
  /** @type {[(part: object) => object, string][]} */
  const places = [
    [x => ({ $ref: '#/x', x }), '/x'],
    [x => ({ $ref: '#/x/y/0', x: { y: [x] } }), '/x/y/0'],
    [x => ({ $ref: '#/x', x: { $ref: '#/y' }, y: x }), '/y'],
    [x => ({ allOf: [{ $id: 'https://example.com/b', $ref: '#/x', x }] }), '/allOf/0/x'],
    [x => ({ $id: 'https://example.com/a', $ref: '/a#/x%7E1y', 'x/y': x }), '/x~1y'],
    [x => ({ $ref: '#/default', default: x }), '/default']
  ]
  for (const [make, place] of places) {
    for (const [name, reason] of [
      ['(?i)a', 'invalid group'],
      ['(?=a)b', 'needs backtracking']
    ]) {
      assert.throws(
        () => validate(make(inner(name))),
        (/** @type {Error} */ error) =>
          error.message.includes(reason) && error.message.endsWith(`(at ${place}/patternProperties/${name})`)
      )
    }
    const schema = validate(make(inner('^\\bé')))
    assert.equal((await pool.run(schema, '{"é":1}')).valid, true)
    assert.equal((await pool.run(validate(make(inner('\\bé'))), '{"aé":1}')).valid, false)
    assert.equal((await pool.run(schema, '"a"')).valid, false)
  }
})

test('names in values stay as they are', async () => {
  const value = { patternProperties: { '(?=a)b': 1, '\\bé': 2 }, pattern: '(' }
  for (const keyword of ['const', 'enum', 'default', 'examples', 'x-unknown']) {
    const data = keyword === 'enum' || keyword === 'examples' ? [value] : value
    const { valid } = await pool.run(validate({ [keyword]: data }), JSON.stringify(value))
    assert.equal(valid, true, keyword)
  }
  const shared = { $ref: '#/const', const: { patternProperties: { '\\bé': false } } }
  assert.throws(() => validate(shared), /a "\$ref" to a schema with "patternProperties" within "const".+\(at \/const\)/)
})
