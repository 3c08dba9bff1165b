'use strict'

// Decoders of binary formats: a string is not an input, except in a stream, whose chunks have an encoding.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')
const { pool, transforms } = require('../..')

const key = Buffer.alloc(32)
const { chain, gunzip, gzip, identity } = transforms

/** @type {any[]} */
const DECODERS = [
  gunzip(),
  transforms.inflate(),
  transforms.inflateRaw(),
  transforms.brotliDecompress(),
  transforms.zstdDecompress(),
  transforms.lz4Decompress(),
  transforms.open('aes-256-gcm', key),
  chain(gunzip(), gzip()),
  chain(gunzip(), transforms.json.parse())
]

const BYTES = 'must be an instance of ArrayBuffer, SharedArrayBuffer, Buffer, TypedArray, or DataView'

for (const decoder of DECODERS) {
  test(`${decoder.name} refuses text`, async () => {
    const fields = decoder.name === 'open' ? ", or an object with the properties 'data', 'aad'" : ''
    for (const [input, received] of [
      ['text', "string ('text')"],
      [5, 'number (5)']
    ]) {
      const refused = {
        code: 'ERR_INVALID_ARG_TYPE',
        message: `The "input" argument ${BYTES}${fields}. Received type ${received}`
      }
      await assert.rejects(pool.run(decoder, input), refused)
      await assert.rejects(pool.run(decoder, input, { wait: true }), refused)
      const atIndex = { ...refused, message: `inputs[0] ${BYTES}${fields}. Received type ${received}` }
      await assert.rejects(pool.map(decoder, [input]), atIndex)
      await assert.rejects(pool.iterate(decoder, [input]).next(), atIndex)
      const sink = pool.each(decoder, undefined, { objectMode: true })
      sink.end(input)
      await assert.rejects(sink.result, atIndex)
    }
    await assert.rejects(pool.run(decoder, Buffer.from('text')), { name: 'OffloopError' })
    const sink = pool.each(decoder)
    sink.end('text')
    await assert.rejects(sink.result, { name: 'OffloopError' })
  })
}

test('a string written to a stream becomes bytes by its encoding', async () => {
  const stream = pool.stream(gunzip())
  stream.end(gzipSync('text').toString('latin1'), 'latin1')
  const [output] = await once(stream, 'data')
  assert.equal(String(output), 'text')
})

test('the first step of a chain decides whether text is accepted', async () => {
  assert.equal(String(await pool.run(chain(gzip(), gunzip()), 'text')), 'text')
  assert.equal(String(await pool.run(chain(identity(), gzip(), gunzip()), 'text')), 'text')
})
