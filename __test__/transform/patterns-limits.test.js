'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const { matches, replace } = transforms.text
const { select, validate } = transforms.json

/** Large repetitions of large classes, a character of the class, and the maximum count. @type {[string, string, number][]} */
const COUNTED = [
  ['^[\\p{L}\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}]{1,256}$', 'é', 256],
  ['^[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\s]{0,256}$', ' ', 256],
  ['^[\\p{L}\\p{N}\\p{P}]{1,255}$', '1', 255],
  ['^[\\s\\S]{0,20000}$', '\n', 20_000],
  ['^.{1,8000}$', '😀', 8000],
  ['^[^<>]{1,20000}$', 'a', 20_000],
  ['^(?:\\p{L}{1,64}){10}$', 'é', 640]
]

for (const [source, part, max] of COUNTED) {
  test(`${source} matches up to ${max} characters`, async () => {
    // V8 would backtrack excessively.
    const regex = new RegExp(source.replace('{1,64}){10}', '{10,640})'), 'u')
    const values = validate({ items: { pattern: source } })
    const names = validate({ patternProperties: { [source]: false } })
    const found = matches(source)
    for (const input of [part.repeat(max), part.repeat(max + 1), `${part.repeat(100)}<`, '']) {
      const isMatch = regex.test(input)
      assert.equal((await pool.run(values, JSON.stringify([input]))).valid, isMatch)
      assert.equal((await pool.run(names, JSON.stringify({ [input]: 1 }))).valid, !isMatch)
      assert.equal((await pool.run(found, input)).length, isMatch ? 1 : 0)
      assert.deepEqual(
        await pool.run(select(`$[?search(@, ${JSON.stringify(source)})]`), JSON.stringify([input])),
        isMatch ? [input] : []
      )
    }
  })
}

test('an unanchored repetition matches within the text', async () => {
  const source = '[a-z]{1,100000}'
  assert.equal((await pool.run(validate({ pattern: source }), '"-a"')).valid, true)
  assert.equal((await pool.run(validate({ patternProperties: { [source]: false } }), '{"A":1}')).valid, true)
  const found = await pool.run(matches(source), `-${'a'.repeat(100_001)}`)
  assert.deepEqual(
    found.map(it => [it.index, it.end]),
    [
      [1, 100_001],
      [100_001, 100_002]
    ]
  )
})

test('the patterns of a schema share a limit', async () => {
  const subschemas = Array.from({ length: 400 }, (_, index) => ({ pattern: `^\\p{L}{1,64}${index}$` }))
  const { valid } = await pool.run(validate({ anyOf: subschemas }), '"é399"')
  assert.equal(valid, true)
  const patternProperties = Object.fromEntries(subschemas.map(it => [it.pattern, true]))
  assert.throws(() => validate({ patternProperties }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /the patterns of the schema require more than 64 MiB together/
  })
})

/** Returns the shortest time of three runs in nanoseconds. @param {() => unknown} run */
async function time(run) {
  let shortest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const start = process.hrtime.bigint()
    await run()
    shortest = Math.min(shortest, Number(process.hrtime.bigint() - start))
  }
  return shortest
}

test('reads groups from the match alone, not from the rest of the text', async () => {
  const input = 'ab'.repeat(2500)
  const [grouped, plain] = [matches('(?:(a)|b)*?c|(?:(d)|[ab])'), matches('(?:a|b)*?c|(?:d|[ab])')]
  const found = await pool.run(grouped, input)
  assert.deepEqual([found.length, found[0]], [5000, { index: 0, end: 1, text: 'a', captures: [null, null] }])
  const [slow, fast] = [await time(() => pool.run(grouped, input)), await time(() => pool.run(plain, input))]
  assert.ok(slow < 8 * fast, `${slow} ns with groups, ${fast} ns without`)
})

test('groups are correct if the text after the match decides', async () => {
  for (const [source, input] of [
    ['(?:(a)|b)+$', 'ab\nab'],
    ['(?:(a)|(b))+?\\b', 'abab ab'],
    ['(?:(a)|b)*?', 'abab'],
    ['(?:(a)|(b))*\\B', 'abab']
  ]) {
    const expected = [...input.matchAll(new RegExp(source, 'gu'))].map(it => [it.index, ...it])
    const found = await pool.run(matches(source), input)
    assert.deepEqual(
      found.map(it => [it.index, it.text, ...it.captures.map(group => group ?? undefined)]),
      expected,
      source
    )
  }
})

test('patterns in a document are limited to a short time', async () => {
  /** @param {(index: number) => string} pattern */
  const rows = pattern => JSON.stringify(Array.from({ length: 200 }, (_, index) => ({ t: 'é', p: pattern(index) })))
  const chosen = select('$[?search(@.t, @.p)]')
  const [large, small] = [rows(index => `\\p{L}{200}${index}`), rows(index => `é|${index}`)]
  assert.deepEqual([(await pool.run(chosen, large)).length, (await pool.run(chosen, small)).length], [0, 200])
  const [slow, fast] = [await time(() => pool.run(chosen, large)), await time(() => pool.run(chosen, small))]
  assert.ok(slow < 20 * fast, `${slow} ns for large patterns, ${fast} ns for small ones`)
})

test('a class with many properties is compiled in a short time', async () => {
  const schema = validate({ $schema: 'http://json-schema.org/draft-07/schema#', items: { format: 'regex' } })
  const document = (/** @type {string} */ member) => JSON.stringify([`[${member.repeat(20_000)}]`])
  for (const member of ['\\p{sc=Zzzz}', '\\P{Lu}', '\\w\\D', '(?i:\\P{Lu})']) {
    assert.equal((await pool.run(schema, document(member))).valid, true)
    const [slow, fast] = [
      await time(() => pool.run(schema, document(member))),
      await time(() => pool.run(schema, document('\\d')))
    ]
    assert.ok(slow < 60 * fast, `${slow} ns for ${member}, ${fast} ns for \\d`)
  }
})

test('a string is never mistaken for another encoding', async () => {
  const inputs = ['a\0b\0c\0x\0e\0f\0g\0h\0', '\0a\0b\0c\0x\0e\0f', 'a\0\0\0x\0\0\0'.repeat(3), 'x\0'.repeat(400_000)]
  for (const input of inputs) {
    const expected = input.replaceAll('x', 'y')
    assert.equal(await pool.run(replace('x', 'y'), input), expected)
    assert.deepEqual(await pool.map(replace('x', 'y'), [input, 'x', input]), [expected, 'y', expected])
    assert.equal((await pool.run(matches('x'), input)).length, input.split('x').length - 1)
    const rejected = { code: 'ERR_OFFLOOP_INVALID_DATA', message: /suggest UTF-/ }
    await assert.rejects(pool.run(replace('x', 'y'), Buffer.from(input)), rejected)
    await assert.rejects(pool.map(matches('x'), [Buffer.from(input)]), rejected)
  }
})

test('referenced schemas have the same dialect', async () => {
  const inner = (/** @type {string} */ name) => ({ patternProperties: { [name]: false }, pattern: '^\\p{Lu}' })
  /** @type {[(part: object) => object, string][]} */
  const cases = [
    [x => ({ $ref: '#/x', x }), '/x'],
    [x => ({ $ref: '#/x/y/0', x: { y: [x] } }), '/x/y/0'],
    [x => ({ $ref: '#/x', x: { $ref: '#/y' }, y: x }), '/y'],
    [x => ({ allOf: [{ $id: 'https://example.com/b', $ref: '#/x', x }] }), '/allOf/0/x'],
    [x => ({ $id: 'https://example.com/a', $ref: '/a#/x%7E1y', 'x/y': x }), '/x~1y'],
    [x => ({ $ref: '#/default', default: x }), '/default']
  ]
  for (const [make, path] of cases) {
    for (const [name, reason] of [
      ['(?i)a', 'invalid group'],
      ['(?=a)b', 'needs backtracking']
    ]) {
      assert.throws(
        () => validate(make(inner(name))),
        (/** @type {Error} */ error) =>
          error.message.includes(reason) &&
          error.message.endsWith(`(at #${path}/patternProperties/${name}). Received '${name}'`)
      )
    }
    const schema = validate(make(inner('^\\bé')))
    assert.equal((await pool.run(schema, '{"é":1}')).valid, true)
    assert.equal((await pool.run(validate(make(inner('\\bé'))), '{"aé":1}')).valid, false)
    assert.equal((await pool.run(schema, '"a"')).valid, false)
  }
})

test('does not translate patterns inside values', async () => {
  const value = { patternProperties: { '(?=a)b': 1, '\\bé': 2 }, pattern: '(' }
  for (const keyword of ['const', 'enum', 'default', 'examples', 'x-unknown']) {
    const data = keyword === 'enum' || keyword === 'examples' ? [value] : value
    const { valid } = await pool.run(validate({ [keyword]: data }), JSON.stringify(value))
    assert.equal(valid, true, keyword)
  }
  const shared = { $ref: '#/const', const: { patternProperties: { '\\bé': false } } }
  assert.throws(
    () => validate(shared),
    /a "\$ref" to a schema with "patternProperties" within "const".+\(at #\/const\)/
  )
})
