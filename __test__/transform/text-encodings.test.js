'use strict'

const assert = require('node:assert/strict')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')
const { pool, transforms } = require('../..')

const { chain, csv, gunzip, json, text } = transforms

/** @typedef {(text: string) => Buffer} Encode */

/** @type {Encode} */
const utf16le = text => Buffer.from(text, 'utf16le')
/** @type {Encode} */
const utf16be = text => utf16le(text).swap16()
/** @type {Encode} */
const utf32le = text => Buffer.from(Uint32Array.from(text, it => it.codePointAt(0) ?? 0).buffer)
/** @type {Encode} */
const utf32be = text => utf32le(text).swap32()
const ENCODINGS = Object.entries({
  'UTF-16LE': utf16le,
  'UTF-16BE': utf16be,
  'UTF-32LE': utf32le,
  'UTF-32BE': utf32be
})

const count = csv.aggregate({ measures: { rows: ['count'] } })
const document = '{"name":"plum","price":12}'
/** @type {[string, any, string][]} */
const CASES = [
  ['csv.parse', csv.parse(), 'name,price\nplum,12\n'],
  ['csv.parse of quoted fields', csv.parse(), '"name","price"\n"plum","12"\n'],
  ['csv.parse with given columns', csv.parse({ header: ['name', 'price'] }), 'plum,12\n'],
  ['csv.aggregate', count, 'name,price\nplum,12\n'],
  ['json.parse', json.parse(), document],
  ['json.parse of a large document', json.parse(), `[${`${document},`.repeat(5000)}1]`],
  ['json.minify', json.minify(), document],
  ['json.select', json.select('$.name'), document],
  ['json.select by a filter', json.select('$[?@ > 1]'), document],
  ['json.validate', json.validate(true), document],
  ['json.validateEach', json.validateEach(true), `${document}\n${document}\n`],
  ['text.base64Decode', text.base64Decode(), 'Zm9vYmFy'],
  ['text.matches', text.matches('plum'), document],
  ['text.replace', text.replace('plum', 'fig'), document],
  ['a chain', chain(gunzip(), json.minify()), document]
]

for (const [name, transform, content] of CASES) {
  /** @type {(bytes: Buffer) => Buffer} */
  const pack = name === 'a chain' ? bytes => gzipSync(bytes) : bytes => bytes
  test(`${name} names the encoding of text that is not UTF-8`, async () => {
    await pool.run(transform, pack(Buffer.from(content)))
    for (const [encoding, encode] of ENCODINGS) {
      for (const [mark, message] of /** @type {const} */ ([
        ['\ufeff', `it starts with the byte order mark of ${encoding}. Convert it to UTF-8 first`],
        ['', `its NUL bytes suggest ${encoding}. Convert it to UTF-8 first`]
      ])) {
        const bytes = encode(mark + content)
        const rejected = (/** @type {any} */ error) => {
          assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA')
          assert.equal(error.message, `The input is not valid UTF-8 at byte ${error.offset}: ${message}`)
          return true
        }
        await assert.rejects(pool.run(transform, pack(bytes)), rejected)
        if (!transform.streaming) continue
        for (const size of [1, 3, 64]) {
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size)
          )
          const sink = pool.collect(transform)
          sink.result.catch(() => {})
          await assert.rejects(pipeline(Readable.from(chunks), sink), rejected)
        }
      }
    }
  })
}

test('rejects CSV with a NUL at any position', async () => {
  for (const [content, message] of /** @type {const} */ ([
    ['a,b\n1,x\0y\n', /NUL character in line 2/],
    ['a,b\n1,"x\0y"\n', /NUL character in line 2/],
    [utf16le('имя,год\nслива,12\n'), /suggest UTF-16LE|NUL character/],
    [utf16be('имя,год\nслива,12\n'), /suggest UTF-16BE|NUL character/],
    [utf16be('"имя","год"\n'), /suggest UTF-16BE|NUL character/]
  ])) {
    for (const transform of /** @type {any[]} */ ([csv.parse(), count])) {
      await assert.rejects(pool.run(transform, content), { code: 'ERR_OFFLOOP_INVALID_DATA', message })
    }
  }
})

test('accepts NUL as the CSV delimiter if set', async () => {
  const table = await pool.run(csv.parse({ delimiter: '\0' }), 'a\0b\n1\0"2\n"\n')
  assert.deepEqual([...table], [{ a: '1', b: '2\n' }])
  await assert.rejects(pool.run(csv.parse({ delimiter: '\0' }), utf16le('\ufeffa\0b\n')), {
    message: /byte order mark of UTF-16LE/
  })
})

test('a UTF-8 byte order mark is skipped in CSV, kept in text and rejected in JSON', async () => {
  const marked = '\ufeffa,b\n1,2\n'
  assert.deepEqual((await pool.run(csv.parse(), marked)).columns, ['a', 'b'])
  assert.deepEqual(await pool.run(text.matches('^.'), marked), [{ index: 0, end: 1, text: '\ufeff', captures: [] }])
  assert.equal(await pool.run(text.replace('a', 'x'), Buffer.from(marked)), '\ufeffx,b\n1,2\n')
  for (const transform of [
    json.parse(),
    json.minify(),
    json.select('$'),
    json.validate(true),
    json.validateEach(true)
  ]) {
    for (const input of ['\ufeff1', Buffer.from('\ufeff{}'), '\ufeff']) {
      const rejected = {
        code: 'ERR_OFFLOOP_INVALID_DATA',
        message: /byte order mark \(U\+FEFF\), which is not JSON/,
        offset: 0
      }
      await assert.rejects(pool.run(transform, input), rejected)
    }
  }
})

test('accepts text with NUL characters', async () => {
  for (const input of ['one\0two\0', 'a\0b\0', '\0', Buffer.from('a\0b\0'), Buffer.from('key=1\0other=2\0')]) {
    assert.equal((await pool.run(text.matches('\\x00'), input)).length, String(input).split('\0').length - 1)
  }
  assert.equal(await pool.run(text.replace('b', 'c'), 'a\0b\0c\0dd\0e\0'), 'a\0c\0c\0dd\0e\0')
})

test('reads short text completely, in chunks of any size', async () => {
  for (const content of ['', 'a', 'a\n', 'a\nb', 'a\n\n1', '\ufeff', '\ufeffa']) {
    const expected = [...(await pool.run(csv.parse(), content))]
    const sink = pool.collect(csv.parse())
    await pipeline(Readable.from([...Buffer.from(content)].map(byte => Buffer.of(byte))), sink)
    assert.deepEqual([...(await sink.result)], expected, JSON.stringify(content))
  }
  for (const [content, total] of /** @type {const} */ ([
    ['', 0],
    ['1', 1],
    ['1\n2', 2],
    ['[]', 0],
    ['[1]', 1]
  ])) {
    const sink = pool.collect(json.validateEach(true))
    await pipeline(Readable.from([...Buffer.from(content)].map(byte => Buffer.of(byte))), sink)
    assert.equal((await sink.result).total, total, content)
  }
  for (const content of ['', 'Zg==', 'Zg', 'Zm8']) {
    const sink = pool.collect(text.base64Decode())
    await pipeline(Readable.from([...Buffer.from(content)].map(byte => Buffer.of(byte))), sink)
    assert.deepEqual(await sink.result, Buffer.from(content, 'base64'))
  }
})

test('rejects base64 with non-zero trailing bits', async () => {
  for (const content of ['Zh==', 'Zh', 'Zm9=', 'Zm9vYmF', 'Zm9vYmE=\n'.replace('E', 'F')]) {
    await assert.rejects(pool.run(text.base64Decode(), content), {
      code: 'ERR_OFFLOOP_INVALID_DATA',
      message: /ends with bits that belong to no byte/
    })
  }
})
