'use strict'

// gzip output is no larger than that of this Node's zlib at the same level, for data of every kind, and other decoders read it.

const { deepStrictEqual, ok } = require('node:assert')
const { after, describe, it } = require('node:test')
const zlib = require('node:zlib')
const { Pool, transforms } = require('../..')
const { csv, logs, noise, packed, records, words } = require('../../benchmarks/data/texts.js')

const SIZE = 2 * 1024 * 1024
/** Headers of blocks may cost a little where data of one kind ends and another starts. */
const TOLERANCE = 1.001

/** @type {Record<string, () => Buffer>} */
const inputs = {
  records: () => records(SIZE),
  logs: () => logs(SIZE),
  csv: () => csv(SIZE),
  'words of a vocabulary of 30': () => words(SIZE),
  'words of a vocabulary of 100': () => words(SIZE, 100),
  'words of a vocabulary of 2,000': () => words(SIZE, 2000),
  noise: () => noise(SIZE),
  'compressed data': () => packed(SIZE),
  zeros: () => Buffer.alloc(SIZE),
  'a repeated line': () => Buffer.alloc(SIZE, 'the quick brown fox jumps over the lazy dog\n'),
  'a repeated block': () => Buffer.alloc(SIZE, noise(20_000)),
  'UTF-16': () => Buffer.from(logs(SIZE / 2).toString(), 'utf16le')
}

describe('the size of gzip output', () => {
  const pool = new Pool({ threads: 1 })
  after(() => pool.close())

  for (const [name, input] of Object.entries(inputs)) {
    for (const level of [1, 6, 9]) {
      it(`${name}, level ${level}`, async () => {
        const bytes = input()
        const output = await pool.run(transforms.gzip({ level }), bytes)
        deepStrictEqual(Buffer.compare(zlib.gunzipSync(output), bytes), 0)
        const size = zlib.gzipSync(bytes, { level }).length
        ok(output.length <= size * TOLERANCE, `${output.length} bytes, zlib ${size}`)
      })
    }
  }

  it('is one member, which DecompressionStream reads', async () => {
    const bytes = Buffer.concat([logs(SIZE), noise(SIZE / 4), words(SIZE)])
    for (const level of [1, 6, 9]) {
      const output = await pool.run(transforms.gzip({ level }), bytes)
      const plain = new Response(new Blob([output]).stream().pipeThrough(new DecompressionStream('gzip')))
      deepStrictEqual(Buffer.compare(Buffer.from(await plain.arrayBuffer()), bytes), 0)
    }
  })
})
