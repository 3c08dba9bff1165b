'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { BACKTRACKING, MISTAKES, flags, pattern, pick, random, text } = require('../support/patterns.js')

const { matches, replace } = transforms.text
const { select, validate, validateEach } = transforms.json

/** True if this V8 accepts the pattern. @param {string} source */
function isValidInV8(source) {
  try {
    new RegExp(source, 'u')
    return true
  } catch {
    return false
  }
}

const REPLACEMENTS = ['', '-', '[$&]', '$1|$2', '$<n1>!', '$`$$', "$'", '$0$10$01$']
const SEED = 20_260
const PATTERNS = 2800
const TEXTS = 4

/** @typedef {import('../..').TextMatch} Match */

/**
 * Returns V8's matches, except those between the halves of a surrogate pair, which ECMA-262 does not allow.
 * @param {RegExp} regex @param {string} input
 * @returns {Match[]}
 */
const expectedMatches = (regex, input) =>
  [...input.matchAll(regex)]
    .filter(({ index }) => /** @type {number} */ (input.codePointAt(index - 1)) < 0x10000 || index === 0)
    .map(match => ({
      index: match.index,
      end: match.index + match[0].length,
      text: match[0],
      captures: match.slice(1).map(group => group ?? null),
      ...(match.groups && {
        groups: Object.fromEntries(Object.entries(match.groups).map(([name, it]) => [name, it ?? null]))
      })
    }))

/** Returns the message of the error, if any. @param {() => unknown} make */
function rejection(make) {
  try {
    make()
  } catch (error) {
    assert.equal(/** @type {any} */ (error).code, 'ERR_INVALID_ARG_VALUE')
    return /** @type {Error} */ (error).message
  }
  return undefined
}

/** Generates a pattern; returns it with its validity in V8 and here. @param {import('../support/patterns.js').Random} next */
function subject(next) {
  const [source, chosen] = [pattern(next), flags(next)]
  const inputs = Array.from({ length: TEXTS }, () => text(next))
  const replacement = pick(next, REPLACEMENTS)
  const isValid = isValidInV8(source)
  const reason = rejection(() => matches(source, { flags: chosen }))
  return { source, chosen, inputs, replacement, isValid, reason, label: `${JSON.stringify(source)} ${chosen}` }
}

/** Lists the differences from V8. @param {ReturnType<typeof subject>} subject */
async function differences({ source, chosen, inputs, replacement, label }) {
  const [regex, plain] = [new RegExp(source, `gu${chosen}`), new RegExp(source, 'u')]
  const expected = inputs.map(input => expectedMatches(regex, input))
  const [found, replaced, { errors }] = await Promise.all([
    pool.map(matches(source, { flags: chosen }), inputs),
    pool.map(replace(source, replacement, { flags: chosen }), inputs),
    pool.run(validate({ items: { pattern: source } }), JSON.stringify(inputs))
  ])
  const differing = inputs.flatMap((input, index) => {
    const [actualMatches, v8Matches] = [JSON.stringify(found[index]), JSON.stringify(expected[index])]
    const all = [...input.matchAll(regex)].length === expected[index].length
    const [actualText, v8Text] = [replaced[index], input.replace(regex, replacement)]
    const [isValid, isValidV8] = [!errors.some(it => it.instancePath === `/${index}`), plain.test(input)]
    return [
      actualMatches === v8Matches ? '' : `matches ${actualMatches}, but ${v8Matches} in V8`,
      actualText === v8Text || !all
        ? ''
        : `replaced ${JSON.stringify(actualText)}, but ${JSON.stringify(v8Text)} in V8`,
      isValid === isValidV8 ? '' : `valid ${isValid}, but ${isValidV8} in V8`
    ].flatMap(it => (it === '' ? [] : [`${label} on ${JSON.stringify(input)} by ${replacement}: ${it}`]))
  })
  return { differing, matched: expected.filter(it => it.length > 0).length }
}

test('patterns match like in V8 with the u flag', async t => {
  const next = random(SEED)
  const subjects = Array.from({ length: PATTERNS }, () => subject(next))
  const rejected = subjects.filter(it => it.isValid && it.reason !== undefined)
  const ran = subjects.filter(it => it.isValid && it.reason === undefined)
  assert.deepEqual(
    rejected.filter(it => !it.reason?.includes('needs backtracking')).map(it => `${it.label}: ${it.reason}`),
    []
  )
  assert.deepEqual(
    subjects.filter(it => !it.isValid && it.reason === undefined).map(it => it.label),
    []
  )
  /** @type {string[]} */
  const differing = []
  let matched = 0
  while (ran.length > 0) {
    for (const part of await Promise.all(ran.splice(-100).map(differences))) {
      differing.push(...part.differing)
      matched += part.matched
    }
  }
  const invalid = subjects.filter(it => !it.isValid).length
  const pairs = (PATTERNS - invalid - rejected.length) * TEXTS
  t.diagnostic(`${pairs} pairs, ${matched} of them match; ${invalid} invalid, ${rejected.length} need backtracking`)
  assert.deepEqual(differing.slice(0, 20), [])
  assert.ok(pairs >= 10_000 && matched > pairs / 4 && invalid > 20 && rejected.length > 20)
})

test('rejects patterns that need backtracking, with the reason and the path', () => {
  for (const source of BACKTRACKING) {
    assert.ok(isValidInV8(source), source)
    const rule = 'must be a regular expression of ECMA-262 with the u flag that runs in linear time'
    const reason = /(look-around \(.+\)|a backreference) needs backtracking \(at \d+\)( \(at #.+\))?\. Received '/
    for (const make of [matches, (/** @type {string} */ it) => replace(it, '')]) {
      const message = rejection(() => make(source)) ?? ''
      assert.ok(message.startsWith(`The "pattern" argument ${rule}: `), message)
      assert.match(message, reason)
    }
    const schema = { properties: { 'x/y': { items: [{ pattern: source }] } } }
    assert.match(rejection(() => validate(schema)) ?? '', / \(at #\/properties\/x~1y\/items\/0\/pattern\)\. Received '/)
    const message = rejection(() => validateEach({ $defs: { a: { patternProperties: { [source]: true } } } })) ?? ''
    assert.ok(message.includes(` (at #/$defs/a/patternProperties/${source}). Received '`), message)
    assert.match(message, reason)
  }
})

test('rejects patterns that V8 rejects', () => {
  for (const source of MISTAKES.flatMap(it => [it, `a${it}`]).filter(it => !isValidInV8(it))) {
    assert.notEqual(
      rejection(() => matches(source)),
      undefined,
      source
    )
    assert.notEqual(
      rejection(() => validate({ pattern: source })),
      undefined,
      source
    )
    assert.notEqual(
      rejection(() => validate({ patternProperties: { [source]: true } })),
      undefined,
      source
    )
  }
})

test('modifiers and duplicate names work with every V8 version', async () => {
  /** @type {[string, string, string][]} */
  const cases = [
    ['(?i:a)b', 'Ab AB', '-'],
    ['(?m:^b)$', 'a\nb', '-'],
    ['(?s-m:^.)b', 'a\nb', '-'],
    ['(?<n>x)y|(?<n>z)', 'xy z', '<$<n>>']
  ]
  const expected = ['- AB', 'a\n-', 'a\nb', '<x> <z>']
  for (const [index, [source, input, replacement]] of cases.entries()) {
    assert.equal(await pool.run(replace(source, replacement), input), expected[index], source)
    if (isValidInV8(source)) assert.equal(input.replace(new RegExp(source, 'gu'), replacement), expected[index], source)
  }
  assert.equal(await pool.run(replace('(?-i:a)b', '-', { flags: 'i' }), 'aB AB'), '- AB')
})

test('limits nesting, repetitions, classes and length', () => {
  const sources = [
    '('.repeat(100_000),
    '(?:a{1000}){1000}',
    '((a{1,100}){1,100}){1,100}',
    'a'.repeat(2 ** 18 + 1),
    '\\p{L}'.repeat(40_000)
  ]
  sources.push(`${'('.repeat(101)}${')'.repeat(101)}`, `(?:${'a?'.repeat(10_000)})*`)
  for (const source of sources) {
    const label = source.slice(0, 20)
    for (const make of [
      () => matches(source),
      () => validate({ pattern: source }),
      () => validate({ patternProperties: { [source]: true } })
    ])
      assert.match(rejection(make) ?? '', /it is too large: /, label)
  }
})

test('a message quotes a NUL as \\x00', () => {
  assert.match(rejection(() => matches('a++\0')) ?? '', /nothing to repeat \(at 2\)\. Received 'a\+\+\\x00'$/)
  assert.match(rejection(() => transforms.digest(/** @type {any} */ ('sha\0'))) ?? '', /'sha\\x00'/)
})

const DRAFTS = ['draft-04', 'draft-06', 'draft-07'].map(name => `http://json-schema.org/${name}/schema#`)
DRAFTS.push('https://json-schema.org/draft/2019-09/schema', 'https://json-schema.org/draft/2020-12/schema')
/** A pattern, a text that matches by ECMA-262, and one that does not. */
const DIALECT = /** @type {const} */ ([
  ['\\bé', 'aé', 'é'],
  ['^\\w\\d\\s$', 'a1\ufeff', 'é1\u0085'],
  ['^.$', '\u0085', '\u2028'],
  ['\\ud83d\\ude00', '😀', '\ufffd'],
  ['^[^]$', '\n', ''],
  ['[\\b]', '\b', 'b'],
  ['^\\0\\cJ\\x41\\/$', '\0\nA/', '0JA/'],
  ['^[&&--~]+$', '&-', 'a'],
  ['^\\p{Script=Greek}\\P{Lu}$', 'αa', 'αA'],
  ['^(?:(a*)|b)+?c~1/$', 'abac~1/', 'ac']
])

test('all drafts use the same dialect for values and names', async () => {
  for (const draft of [{}, ...DRAFTS.map($schema => ({ $schema }))]) {
    for (const [source, good, bad] of DIALECT) {
      const label = `${JSON.stringify(draft)} ${source}`
      const { valid, errors } = await pool.run(
        validate({ ...draft, properties: { good: { pattern: source }, bad: { pattern: source } } }),
        JSON.stringify({ good, bad })
      )
      const message = `${JSON.stringify(bad)} does not match "${source}"`
      const expected = { instancePath: '/bad', schemaPath: '/properties/bad/pattern', message }
      assert.deepEqual([valid, errors], [false, [expected]], label)
      const names = { ...draft, patternProperties: { [source]: { minimum: 2 } }, additionalProperties: false }
      const verdict = await pool.run(validate(names), JSON.stringify({ [good]: 1, [bad]: 2 }))
      const escaped = source.replaceAll('~', '~0').replaceAll('/', '~1')
      assert.deepEqual(
        verdict.errors.map(it => it.schemaPath).sort(),
        ['/additionalProperties', `/patternProperties/${escaped}/minimum`],
        label
      )
    }
  }
})

test('applies patterns in every subschema, and only there', async () => {
  const schema = {
    $id: 'https://example.com/root',
    $defs: {
      'a/b': { patternProperties: { '^\\d$': { minimum: 5 }, '^[0-9]$': { maximum: 7 } }, unevaluatedProperties: false }
    },
    properties: {
      one: { $ref: '#/$defs/a~1b' },
      two: { $ref: '#/$defs/a~1b/patternProperties/%5E%5Cd$' },
      patternProperties: { type: 'object' },
      pattern: { type: 'string' },
      three: { const: { patternProperties: { '\\d': 1 } } }
    },
    examples: [{ pattern: '(?=a)' }],
    'x-meta': { pattern: '(' }
  }
  const document = {
    one: { 4: 4, 8: 8, é: 1 },
    two: 4,
    patternProperties: 1,
    three: { patternProperties: { '\\d': 1 } }
  }
  const { errors } = await pool.run(validate(schema), JSON.stringify(document))
  assert.deepEqual(errors.map(it => `${it.instancePath} ${it.schemaPath}`).sort(), [
    '/one /$defs/a~1b/unevaluatedProperties',
    '/one/4 /$defs/a~1b/patternProperties/^\\d$/minimum',
    '/one/8 /$defs/a~1b/patternProperties/^[0-9]$/maximum',
    '/patternProperties /properties/patternProperties/type',
    '/two /$defs/a~1b/patternProperties/^\\d$/minimum'
  ])
})

test('the format regex accepts all of ECMA-262', async () => {
  const schema = validate({ $schema: DRAFTS[2], items: { format: 'regex' } })
  const { errors } = await pool.run(schema, JSON.stringify([...BACKTRACKING, '[^]', '\\A', '(?i)a', 'a++']))
  assert.deepEqual(
    errors.map(it => it.instancePath),
    [1, 2, 3].map(index => `/${BACKTRACKING.length + index}`)
  )
})

test('match and search in JSONPath use the same dialect, with the dot of RFC 9485', async () => {
  const found = async (/** @type {string} */ test, /** @type {unknown} */ document) =>
    await pool.run(select(`$[?${test}]`), JSON.stringify(document))
  assert.deepEqual(await found("match(@, '.')", ['\u2028', '\n', '\r', 'a', 'ab']), ['\u2028', 'a'])
  assert.deepEqual(await found("search(@, '\\\\bé')", ['aé', 'é']), ['aé'])
  assert.deepEqual(await found("match(@, 'a|bc')", ['a', 'bc', 'ac']), ['a', 'bc'])
  for (const source of ['a)|(b', '(?=a)', '(?i)a', '\\\\A', 'a++', '(a)\\\\1']) {
    assert.deepEqual(await found(`search(@, '${source}')`, ['a', 'b', 'aa']), [], source)
  }
})
