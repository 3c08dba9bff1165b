'use strict'

const assert = require('node:assert/strict')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')
const { pool, transforms } = require('../..')

const { minify, validate, validateEach } = transforms.json
const { json } = transforms
const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 3 } }, required: ['n'] }

test('minify preserves the value', async () => {
  const value = { a: [1, 'x \\" y', null, { ü: '\ud83d' }], b: -1.5e-7 }
  const pretty = JSON.stringify(value, null, 2)
  assert.equal(String(await pool.run(minify(), pretty)), JSON.stringify(value))
  await assert.rejects(pool.run(minify(), '{"a": tru }'), {
    code: 'ERR_OFFLOOP_INVALID_DATA',
    transform: 'json.minify'
  })
})

test('validate reports errors with their paths', async () => {
  assert.deepEqual(await pool.run(validate(schema), '{"n":3}'), { valid: true, errors: [] })
  const { valid, errors } = await pool.run(validate(schema), Buffer.from('{"n":2}'))
  assert.equal(valid, false)
  assert.deepEqual([errors[0].instancePath, errors[0].schemaPath], ['/n', '/properties/n/minimum'])
  assert.match(errors[0].message, /2/)
  assert.deepEqual((await pool.run(validate(false), '1')).valid, false)
  const all = await pool.map(validate(schema), ['{"n":3}', '{}'])
  assert.deepEqual(
    all.map(it => it.valid),
    [true, false]
  )
})

test('rejects invalid JSON, invalid schemas and deep nesting', async () => {
  await assert.rejects(pool.run(validate(schema), '{"n":'), { code: 'ERR_OFFLOOP_INVALID_DATA', offset: 5 })
  await assert.rejects(pool.run(validate(true), '['.repeat(100_000)), /nested deeper than 512/)
  const bad = /** @type {any} */ (transforms.json)
  for (const invalid of [undefined, null, 'text', 1, []]) {
    assert.throws(() => bad.validate(invalid), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
  assert.throws(() => validate({ type: 'nothing' }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /must be a supported JSON Schema/
  })
  assert.throws(() => validate({ $ref: 'http://localhost:1/schema.json' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => bad.validateEach(schema, { max: 1 }), /'options.max' is unknown/)
})

test('validateEach accepts arrays and lines, in chunks of any size', async () => {
  const records = Array.from({ length: 5000 }, (_, n) => ({ n, text: '],\\"' }))
  const expected = { total: 5000, valid: 4997, invalid: 3 }
  for (const text of [
    JSON.stringify(records),
    JSON.stringify(records, null, 1),
    records.map(it => JSON.stringify(it)).join('\n')
  ]) {
    const { failures, ...counts } = await pool.run(validateEach(schema), text)
    assert.deepEqual(counts, expected)
    assert.deepEqual(
      failures.map(it => it.index),
      [0, 1, 2]
    )
    for (const size of [1, 1000, 65_536]) {
      const sink = pool.collect(validateEach(schema, { maxErrors: 1 }))
      const bytes = Buffer.from(text).subarray(0, size === 1 ? 3000 : undefined)
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size)
      )
      const [outcome] = await Promise.allSettled([pipeline(Readable.from(chunks), sink)])
      if (size === 1) assert.equal(outcome.status, 'rejected')
      else assert.deepEqual((await sink.result).failures.length, 1)
    }
  }
  const chained = transforms.chain(transforms.gunzip(), validateEach(schema))
  assert.equal((await pool.run(chained, gzipSync(JSON.stringify(records)))).invalid, 3)
  await assert.rejects(pool.run(validateEach(schema), '[{"n":3},{"n":x}]'), {
    code: 'ERR_OFFLOOP_INVALID_DATA',
    offset: 14
  })
})

test('rejects unknown options', () => {
  const unknown = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /maxErrors/ }
  assert.throws(() => /** @type {any} */ (json.validate)({}, { maxErrors: 1 }), unknown)
})

test('explains why a schema is invalid', () => {
  const schema = (/** @type {any} */ value) => () => json.validate(value)
  const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }
  assert.throws(schema({ $ref: 'https://example.com/x' }), {
    ...error,
    message: /example\.com.* is not fetched \(at #\/\$ref\)\. Received "https:\/\/example\.com\/x"$/
  })
  assert.throws(schema({ const: 1n }), { ...error, message: /"schema" argument/ })
  const cyclic = {}
  assert.throws(schema(Object.assign(cyclic, { properties: { cyclic } })), { ...error, message: /"schema" argument/ })
})

test('limits the intermediate nodes of a path', async () => {
  const deep = '['.repeat(400) + ']'.repeat(400)
  await assert.rejects(pool.run(json.select('$..*..*..*..*'), deep), { code: 'ERR_OFFLOOP_OUTPUT_LIMIT' })
})

test('select preserves the member order of the document', async () => {
  const text = '{"z":{"y":3,"x":1},"b":2,"10":{"d":4,"c":5},"9":0,"b":7}'
  const select = (/** @type {string} */ path) => pool.run(json.select(path), text)
  assert.deepEqual(await select('$.*'), [{ y: 3, x: 1 }, 7, { d: 4, c: 5 }, 0])
  assert.deepEqual(await select('$..*'), [{ y: 3, x: 1 }, 7, { d: 4, c: 5 }, 0, 3, 1, 4, 5])
  assert.deepEqual(await select('$[?@ != 7][*]'), [3, 1, 4, 5])
  assert.deepEqual(await select('$..[?@ > $.z.x]'), [7, 3, 4, 5])
  assert.deepEqual(await select("$['10','z'][*]"), [4, 5, 3, 1])
  const [first] = await pool.run(json.select('$..*'), '[{"b":1,"a":{"d":2,"c":3}}]')
  assert.equal(JSON.stringify(first), '{"b":1,"a":{"d":2,"c":3}}')
})

test('select accepts lone surrogates and numbers beyond a double, like JSON.parse', async () => {
  const text = '{"a":["\\ud800",1e400,1],"\\ud800":2}'
  assert.deepEqual(await pool.run(json.select('$..*'), text), [
    ['\ud800', Number.POSITIVE_INFINITY, 1],
    2,
    '\ud800',
    Number.POSITIVE_INFINITY,
    1
  ])
  assert.deepEqual(await pool.run(json.select('$.a[?@ > 1]'), text), [Number.POSITIVE_INFINITY])
})

test('the limit on intermediate nodes applies within filters', async () => {
  const deep = '['.repeat(400) + ']'.repeat(400)
  for (const path of ['$..*..*..*..*[?$[0]]', '$[?count(@..*..*..*..*) > 1]']) {
    await assert.rejects(pool.run(json.select(path), deep), { code: 'ERR_OFFLOOP_OUTPUT_LIMIT' })
  }
})

test('rejects a schema with NaN or Infinity', () => {
  for (const schema of [{ const: NaN }, { enum: [1, Infinity] }, { items: { const: -Infinity } }]) {
    for (const make of [transforms.json.validate, transforms.json.validateEach]) {
      assert.throws(() => make(schema), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message: /must be a JSON value: (NaN|-?Infinity) \(at '(const|1)'\) is not a JSON number/
      })
    }
  }
})

test('compares integers of documents exactly up to 64 bits', async () => {
  /**
   * @param {object} schema
   * @param {string} document
   */
  const isValid = async (schema, document) => (await pool.run(transforms.json.validate(schema), document)).valid
  assert.equal(await isValid({ maximum: 2 ** 53 }, '9007199254740992'), true)
  assert.equal(await isValid({ maximum: 2 ** 53 }, '9007199254740993'), false)
  assert.equal(await isValid({ const: 2 ** 53 }, '9007199254740993'), false)
  assert.equal(await isValid({ multipleOf: 2 }, '9007199254740993'), false)
  assert.equal(await isValid({ exclusiveMinimum: -(2 ** 63) }, '-9223372036854775807'), true)
  assert.equal(await isValid({ uniqueItems: true }, '[18446744073709551615,18446744073709551614]'), true)
  // Larger ones are compared as doubles.
  assert.equal(await isValid({ uniqueItems: true }, '[18446744073709551616,18446744073709551617]'), false)
})
