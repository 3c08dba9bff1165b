'use strict'

// Streams of 69 MB in chunks of 64 KiB, compared with node:zlib's, which use one thread of libuv.

const { deepStrictEqual } = require('node:assert')
const { Readable } = require('node:stream')
const zlib = require('node:zlib')
const { Pool, transforms } = require('../../../index.js')
const { cities } = require('../../data/documents.js')
const { countingSink, flow } = require('../../load/flow.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../../index.d.ts').StreamingTransform<any, Buffer>} Transform
 *
 * @typedef {object} Codec
 * @property {string} name of the case
 * @property {string} what
 * @property {Transform} transform
 * @property {string} reference
 * @property {() => NodeJS.ReadWriteStream} open the reference's stream
 * @property {(plain: Buffer) => Uint8Array} prepare
 * @property {(packed: Buffer) => Uint8Array} [decompress]
 * @property {number} [target]
 */

const TIMES = 4

/**
 * @param {Codec} codec
 * @returns {Case}
 */
function streamCase({ name, what, transform, reference, open, prepare, decompress, target }) {
  /** @param {number} threads */
  async function contenders(threads) {
    const plain = Buffer.concat(Array(TIMES).fill(cities()))
    const input = prepare(plain)
    const pool = new Pool({ threads })
    const streams = {
      offloop: () => /** @type {NodeJS.ReadWriteStream} */ (pool.stream(transform)),
      [reference]: open
    }
    for (const make of Object.values(streams)) {
      const output = Buffer.concat(
        await Readable.from([input])
          .pipe(/** @type {any} */ (make()))
          .toArray()
      )
      deepStrictEqual(decompress === undefined ? output : Buffer.from(decompress(output)), plain)
    }
    return Object.entries(streams).map(([name, make]) => ({
      name,
      async round() {
        const sink = countingSink()
        const { seconds, late } = await flow(input, [make(), sink.stream])
        return { throughput: plain.length / 1e6 / seconds, output: sink.bytes, 'timer late, p99': late }
      },
      close: name === 'offloop' ? () => pool.close() : undefined
    }))
  }
  return {
    name,
    what,
    reference,
    measures: [
      { name: 'throughput', unit: 'MB/s', target: target === undefined ? undefined : { of: 'ratio', atLeast: target } },
      { name: 'output', unit: 'bytes', target: decompress === undefined ? undefined : { of: 'ratio', atMost: 1.01 } },
      { name: 'timer late, p99', unit: 'ms' }
    ],
    open: contenders
  }
}

/** @returns {Case} */
function gzip(/** @type {number} */ level, /** @type {number} */ target) {
  return streamCase({
    name: `gzip-${level}`,
    what: `pool.stream(gzip({ level: ${level} })) against zlib.createGzip, 69 MB in chunks of 64 KiB`,
    transform: transforms.gzip({ level }),
    reference: 'createGzip',
    open: () => zlib.createGzip({ level }),
    prepare: plain => plain,
    decompress: packed => zlib.gunzipSync(packed),
    target
  })
}

const cases = [
  gzip(6, 2.8),
  gzip(1, 2.2),
  streamCase({
    name: 'gunzip',
    what: 'pool.stream(gunzip()) against zlib.createGunzip, 69 MB from chunks of 64 KiB',
    transform: transforms.gunzip(),
    reference: 'createGunzip',
    open: () => zlib.createGunzip(),
    prepare: plain => zlib.gzipSync(plain),
    target: 1.2
  })
]

/** Not in every Node.js version. */
const { createZstdCompress, zstdDecompressSync } = /** @type {any} */ (zlib)
if (createZstdCompress !== undefined) {
  cases.push(
    streamCase({
      name: 'zstd-3',
      what: 'pool.stream(zstdCompress({ level: 3 })) against zlib.createZstdCompress, 69 MB in chunks of 64 KiB',
      transform: transforms.zstdCompress({ level: 3 }),
      reference: 'createZstdCompress',
      open: () => createZstdCompress(),
      prepare: plain => plain,
      decompress: zstdDecompressSync
    })
  )
}

module.exports = { cases }
