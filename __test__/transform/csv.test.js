'use strict'

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')
const { move, pool, transforms } = require('../..')

const { parse, aggregate } = transforms.csv
const bad = /** @type {any} */ (transforms.csv)
const columns = /** @type {const} */ ({ price: 'number', sold: 'boolean' })
const text = 'name,price,sold,note\nplum,0.3,TRUE,\n"fig, dried",,0,""\r\n"say ""é""\n",-12,1,😀'
const rows = [
  { name: 'plum', price: 0.3, sold: true, note: null },
  { name: 'fig, dried', price: NaN, sold: false, note: '' },
  { name: 'say "é"\n', price: -12, sold: true, note: '😀' }
]

function chunks(/** @type {string} */ text, /** @type {number} */ size) {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

test('parse returns columns and rows', async () => {
  const table = await pool.run(parse({ columns }), text)
  assert.deepEqual(table.columns, ['name', 'price', 'sold', 'note'])
  assert.equal(table.rows, 3)
  assert.deepEqual(table.column('price'), new Float64Array([0.3, NaN, -12]))
  assert.deepEqual(table.column('sold'), new Uint8Array([1, 0, 1]))
  assert.deepEqual(
    table.column('name'),
    rows.map(row => row.name)
  )
  assert.deepEqual(table.column('note'), [null, '', '😀'])
  for (const name of table.columns) assert.equal(table.column(name), table.column(name))
  assert.deepEqual([...table], rows)
  assert.deepEqual([...table], rows)
  assert.equal(Object.getPrototypeOf([...table][0]), Object.prototype)
})

test('parse works with every pool method', async () => {
  const transform = parse({ columns })
  assert.deepEqual([...(await pool.run(transform, move(Buffer.from(text))))], rows)
  const tables = await pool.map(transform, [text, Buffer.from(text), 'price,sold'])
  assert.deepEqual(
    tables.map(table => [...table]),
    [rows, rows, []]
  )
  for await (const table of pool.iterate(transform, [text, text])) assert.deepEqual([...table], rows)
  const chain = transforms.chain(transforms.gunzip(), transform)
  assert.deepEqual([...(await pool.run(chain, gzipSync(text)))], rows)
  for (const size of [1, 2, 7, 1000]) {
    const sink = pool.collect(transform)
    await pipeline(Readable.from(chunks(`\ufeff${text}`, size)), sink)
    assert.deepEqual([...(await sink.result)], rows)
    const read = await Readable.from(chunks(text, size)).pipe(pool.stream(transform)).toArray()
    assert.equal(read.length, 1)
    assert.deepEqual([...read[0]], rows)
  }
  const each = pool.each(transform, table => assert.deepEqual([...table], rows))
  await pipeline(Readable.from([text, text]), each)
  assert.equal(each.stats().completed, 2)
  const packed = pool.stream(chain)
  packed.end(gzipSync(text))
  assert.deepEqual([...(await packed.toArray())[0]], rows)
})

test('a stream yields its single result at the end, even if empty', async () => {
  const spec = aggregate({ groupBy: ['name'], measures: { n: ['count'] } })
  const stream = pool.stream(spec)
  stream.end()
  assert.deepEqual(await stream.toArray(), [[]])
  const verdicts = pool.stream(transforms.json.validateEach(true))
  verdicts.end('[1,2]')
  assert.deepEqual(await verdicts.toArray(), [{ total: 2, valid: 2, invalid: 0, failures: [] }])
})

test('accepts any column name', async () => {
  const names = ['__proto__', 'constructor', '1', '', 'naïve\n"x"']
  const table = await pool.run(parse({ header: names, columns: { 1: 'number' } }), '1,2,3,4,5\n6,7,8,9,0')
  assert.deepEqual(table.columns, names)
  assert.deepEqual(table.column('__proto__'), ['1', '6'])
  assert.deepEqual(table.column('1'), new Float64Array([3, 8]))
  const [row] = table
  assert.deepEqual(Object.keys(row).sort(), [...names].sort())
  assert.equal(Object.getOwnPropertyDescriptor(row, '__proto__')?.value, '1')
  assert.equal(Object.getPrototypeOf(row), Object.prototype)
  const own = JSON.parse('{"__proto__":"number"}')
  assert.deepEqual((await pool.run(parse({ columns: own }), '__proto__\n1')).column('__proto__'), new Float64Array([1]))
  const counted = await pool.run(parse({ header: false, columns: { 0: 'number' } }), '1,x')
  assert.deepEqual([...counted], [{ 0: 1, 1: 'x' }])
  for (const name of ['nope', undefined, 0]) {
    assert.throws(() => counted.column(/** @type {any} */ (name)), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /must be one of the columns '0', '1'\. Received/
    })
  }
})

test('reads strings of all sizes and encodings', async () => {
  const values = Array.from({ length: 5000 }, (_, i) =>
    i % 7 === 0 ? null : i % 11 === 0 ? '' : (i % 13 === 0 ? 'é' : 'x').repeat(i % 1000 === 1 ? 9000 : i % 30)
  )
  const lines = values.map(value => (value === null ? 'n,' : `n,"${value}"`))
  const table = await pool.run(parse({ header: ['n', 'value'] }), lines.join('\n'))
  assert.deepEqual(table.column('value'), values)
  assert.deepEqual(
    Array.from(table, row => row.value),
    values
  )
  const [first, second] = [table[Symbol.iterator](), table[Symbol.iterator]()]
  for (let i = 0; i < 2000; i++) first.next()
  assert.equal(second.next().value?.value, values[0])
  assert.equal(first.next().value?.value, values[2000])
})

test('columns of a large table share its memory', async () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `${i},${i % 2},text ${i}`)
  const types = /** @type {const} */ ({ a: 'number', b: 'boolean' })
  const table = await pool.run(parse({ header: ['a', 'b', 'c'], columns: types }), lines.join('\n'))
  assert.equal(table.rows, 50_000)
  assert.deepEqual(table.column('a'), Float64Array.from(lines.keys()))
  assert.equal(table.column('a').buffer, table.column('b').buffer)
  assert.equal(table.column('c')[49_999], 'text 49999')
  assert.equal([...table].length, 50_000)
})

test('a table cannot be cloned, its columns can', async () => {
  const table = await pool.run(parse({ columns }), text)
  assert.throws(() => structuredClone(table), { name: 'DataCloneError' })
  assert.deepEqual(structuredClone(table.column('price')), table.column('price'))
})

test('aggregate groups rows', async () => {
  const sales = 'region,year,amount\nEU,2024,3\nUS,2024,10\nEU,2025,\n,2025,4\nEU,2024,5\n'
  const spec = aggregate({
    groupBy: ['region', 'year'],
    columns: { year: 'number' },
    measures: { rows: ['count'], n: ['count', 'amount'], mean: ['mean', 'amount'], half: ['p50', 'amount'] }
  })
  const expected = [
    { region: 'EU', year: 2024, rows: 2, n: 2, mean: 4, half: 4 },
    { region: 'US', year: 2024, rows: 1, n: 1, mean: 10, half: 10 },
    { region: 'EU', year: 2025, rows: 1, n: 0, mean: null, half: null },
    { region: null, year: 2025, rows: 1, n: 1, mean: 4, half: 4 }
  ]
  assert.deepEqual(await pool.run(spec, sales), expected)
  assert.deepEqual(await pool.map(spec, [sales, sales]), [expected, expected])
  for await (const groups of pool.iterate(spec, [sales])) assert.deepEqual(groups, expected)
  for (const size of [1, 3, 1000]) {
    const sink = pool.collect(spec)
    await pipeline(Readable.from(chunks(sales, size)), sink)
    assert.deepEqual(await sink.result, expected)
    assert.deepEqual(await Readable.from(chunks(sales, size)).pipe(pool.stream(spec)).toArray(), [expected])
  }
  const chained = transforms.chain(transforms.gunzip(), /** @type {any} */ (spec), transforms.json.select('$[*].rows'))
  assert.deepEqual(await pool.run(chained, gzipSync(sales)), [2, 1, 1, 1])
})

test('aggregate agrees with numeric.stats', async () => {
  const numbers = Float64Array.from({ length: 10_001 }, (_, i) => ((i * 7919) % 10_007) / 7)
  const quantiles = [0, 0.01, 0.5, 0.999, 1]
  const stats = await pool.run(transforms.numeric.stats({ quantiles }), numbers)
  /** @type {Record<string, ['mean' | 'min' | 'max' | `p${number}`, string]>} */
  const measures = { mean: ['mean', 'x'], min: ['min', 'x'], max: ['max', 'x'] }
  const names = /** @type {const} */ (['p0', 'p1', 'p50', 'p99.9', 'p100'])
  for (const name of names) measures[name] = [name, 'x']
  const [row] = await pool.run(aggregate({ measures }), `x\n${numbers.join('\n')}`)
  assert.deepEqual(
    names.map(name => row[name]),
    Array.from(stats.quantiles)
  )
  assert.deepEqual([row.min, row.max], [stats.min, stats.max])
  assert.ok(Math.abs(Number(row.mean) - stats.mean) <= stats.mean * 1e-14)
  const infinite = aggregate({ measures: { max: ['max', 'x'], min: ['min', 'x'] } })
  assert.deepEqual(await pool.run(infinite, 'x\nInfinity\n-Infinity'), [{ max: Infinity, min: -Infinity }])
})

test('rejects malformed CSV with the offset', async () => {
  const invalid = { name: 'OffloopError', code: 'ERR_OFFLOOP_INVALID_DATA' }
  for (const [input, offset, message] of /** @type {const} */ ([
    ['a,b\n1,2\n3\n', 8, /line 3 has 1 field, but there are 2 columns/],
    ['a,b\n1,2,3\n', 4, /line 2 has more fields than the 2 columns/],
    ['a\n"é\n"x', 7, /line 3/],
    ['a\nb"c', 3, /field that is not quoted contains a quote, in line 2/],
    ['a\n"b', 2, /quoted field in line 2 is not closed/],
    ['a,a', 2, /column 'a' is a duplicate/]
  ])) {
    await assert.rejects(pool.run(parse(), input), { ...invalid, offset, message })
    const sink = pool.collect(parse())
    await assert.rejects(pipeline(Readable.from(chunks(input, 1)), sink), { ...invalid, offset, message })
    await assert.rejects(sink.result, { offset })
    const stream = pool.stream(parse())
    stream.end(input)
    await assert.rejects(stream.toArray(), { ...invalid, offset, message })
  }
  await assert.rejects(pool.run(parse(), Buffer.from([97, 10, 0xff])), { ...invalid, offset: 2, message: /UTF-8/ })
  const typed = parse({ columns: { a: 'number' } })
  await assert.rejects(pool.run(typed, 'a\n1\n1,5'), { ...invalid, offset: 4 })
  await assert.rejects(pool.run(typed, 'a\n1\nx'), {
    ...invalid,
    offset: 4,
    message: /line 3 of the column 'a' is not a number\. Received 'x' \(at byte 4\)$/
  })
  await assert.rejects(pool.run(typed, 'b\n1'), {
    ...invalid,
    message: /column 'a' of options\.columns does not exist\. The columns are 'b'/
  })
  await assert.rejects(pool.run(aggregate({ measures: { n: ['sum', 'c'] } }), 'a,b'), { ...invalid, offset: 0 })
  await assert.rejects(pool.run(parse({ maxOutput: 100 }), `a\n${'0123456789\n'.repeat(9)}`), {
    code: 'ERR_OFFLOOP_OUTPUT_LIMIT'
  })
  const wide = aggregate({ groupBy: ['a'], measures: {}, maxOutput: 100 })
  await assert.rejects(pool.run(wide, 'a\n1\n2\n3'), { code: 'ERR_OFFLOOP_OUTPUT_LIMIT' })
})

test('a table can be the input of json.stringify, but not of a native step', async () => {
  assert.throws(() => transforms.chain(/** @type {any} */ (parse()), transforms.gzip()), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^A step after 'csv\.parse', .* Received 'gzip'$/
  })
  const rows = await pool.run(transforms.chain(parse(), transforms.json.stringify()), 'a,b\n1,2\n3,')
  assert.equal(String(rows), '[{"a":"1","b":"2"},{"a":"3","b":null}]')
})

test('factories throw for invalid options', () => {
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
  for (const [options, error] of /** @type {[any, object][]} */ ([
    [{ delimiter: ',,' }, value],
    [{ delimiter: '"' }, value],
    [{ delimiter: '\r' }, value],
    [{ quote: '’' }, value],
    [{ quote: null }, type],
    [{ header: [] }, value],
    [{ header: ['a', 'a'] }, value],
    [{ header: ['a', 1] }, type],
    [{ header: new Uint8Array(1) }, type],
    [{ columns: { a: 'date' } }, { ...value, message: /'boolean'\. Received 'date'$/ }],
    [{ columns: { a: 1 } }, type],
    [{ columns: ['a'] }, type],
    [
      { header: ['a'], columns: { b: 'number' } },
      { ...value, message: /"options.columns" .* 'b'/ }
    ],
    [{ maxOutput: 0 }, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
    [{ separator: ';' }, { ...value, message: /'options.separator' is unknown/ }],
    ['a', type],
    [null, type]
  ])) {
    assert.throws(() => bad.parse(options), error, JSON.stringify(options))
    const more = typeof options === 'object' && options !== null ? { measures: {}, ...options } : options
    assert.throws(() => bad.aggregate(more), error, JSON.stringify(more))
  }
  assert.ok(parse({ columns: undefined, header: undefined, delimiter: undefined, maxOutput: undefined }))
  for (const [options, error] of /** @type {[any, object][]} */ ([
    [undefined, type],
    [{}, { ...type, message: /"options.measures" property must be of type object/ }],
    [{ measures: { n: 'count' } }, { ...type, message: /options\.measures\['n'\]/ }],
    [{ measures: { n: [] } }, value],
    [
      { measures: { n: ['sum'] } },
      { ...value, message: /must name a column after the operation\. Received only 'sum'$/ }
    ],
    [{ measures: { n: ['p100.1', 'x'] } }, { ...value, message: /'p0' to 'p100'/ }],
    [{ measures: { n: ['toString', 'x'] } }, value],
    [
      { measures: { n: ['sum', 'x'] }, columns: { x: 'boolean' } },
      { ...value, message: /must name a column of numbers.*\. Received 'x'$/ }
    ],
    [
      { measures: { n: ['sum', 'x'] }, header: ['a'] },
      { ...value, message: /must name columns of "options\.header"\. Received 'x'$/ }
    ],
    [
      { measures: { a: ['count'] }, groupBy: ['a'] },
      { ...value, message: /options\.groupBy/ }
    ],
    [{ measures: {}, groupBy: ['a', 'a'] }, value],
    [{ measures: {}, groupBy: 'a' }, type]
  ])) {
    assert.throws(() => bad.aggregate(options), error, JSON.stringify(options))
  }
})

test('a number column rejects integers that a double cannot represent', async () => {
  const typed = parse({ columns: { id: 'number' } })
  const sum = aggregate({ columns: { id: 'number' }, groupBy: ['id'], measures: { n: ['count'] } })
  const measured = aggregate({ measures: { total: ['sum', 'id'] } })
  for (const id of [
    '9007199254740993',
    '-9007199254740993',
    '9007199254740993.0',
    '9.007199254740993e15',
    '18446744073709551615'
  ]) {
    const rejected = {
      code: 'ERR_OFFLOOP_INVALID_DATA',
      message: `The field in line 3 of the column 'id' has more digits than a number can hold: give the column the type 'string'. Received '${id}' (at byte 5)`,
      offset: 5
    }
    for (const transform of /** @type {any[]} */ ([typed, sum, measured])) {
      await assert.rejects(pool.run(transform, `id\n1\n${id}\n`), rejected)
      const sink = pool.collect(transform)
      sink.result.catch(() => {})
      await assert.rejects(pipeline(Readable.from(chunks(`id\n1\n${id}\n`, 2)), sink), rejected)
    }
    assert.deepEqual((await pool.run(parse(), `id\n${id}`)).column('id'), [id])
  }
  for (const id of ['1e400', '-1e309', '9'.repeat(400)]) {
    await assert.rejects(pool.run(typed, `id\n${id}\n`), { message: /is too large for a number\. Received '[-1-9]/ })
  }
  for (const id of ['007', '0x10', '1_000', '1,5', '1 000', 'infinity', '1n', '٣']) {
    await assert.rejects(pool.run(typed, `id\n"${id}"\n`), { message: /is not a number\. Received '[^']+' \(at byte/ })
  }
  for (const id of [
    '9007199254740991',
    '9007199254740992',
    '18446744073709551616',
    '1152921504606847000',
    '9223372036854776000.0',
    '100000000000000000000000',
    '1e23',
    '1.7976931348623157e308',
    '0.1'
  ]) {
    assert.deepEqual((await pool.run(typed, `id\n${id}`)).column('id'), new Float64Array([Number(id)]))
  }
  // Numbers written by JavaScript, in any notation, are accepted.
  const random = Array.from({ length: 2000 }, () => new Float64Array(crypto.randomBytes(8).buffer.slice(0, 8))[0])
  const doubles = Float64Array.from(random.filter(Number.isFinite))
  for (const write of [
    (/** @type {number} */ it) => it.toExponential(),
    (/** @type {number} */ it) => it.toPrecision(30)
  ]) {
    const table = await pool.run(typed, `id\n${Array.from(doubles, write).join('\n')}`)
    assert.deepEqual(table.column('id'), doubles)
  }
  // Below 1e21, String() writes integers without an exponent.
  const size = () => 10 ** (15 + 6 * Math.random())
  const integers = Float64Array.from({ length: 2000 }, () => Math.trunc((Math.random() - 0.5) * size()) || 1)
  for (const write of [String, (/** @type {number} */ it) => `${it}.0`]) {
    const table = await pool.run(typed, `id\n${Array.from(integers, write).join('\n')}`)
    assert.deepEqual(table.column('id'), integers)
  }
})
