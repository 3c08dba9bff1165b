'use strict'

// Sequential calls, compared with node:zlib on the event loop and on the threads of libuv.

const { deepStrictEqual } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { promisify } = require('node:util')
const zlib = require('node:zlib')
const { Pool, transforms } = require('../../..')
const { MIB, browsers, cities } = require('../../data/documents.js')
const { repeat } = require('../../load/repeat.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../../index.d.ts').PoolTransform<Uint8Array, Buffer>} Transform
 * @typedef {(input: Uint8Array) => Buffer | Promise<Buffer>} Run
 *
 * @typedef {object} Codec
 * @property {Transform} transform
 * @property {string} sync the name of Node's function
 * @property {Run} runSync
 * @property {string} async
 * @property {Run} runAsync
 * @property {Run} back
 */

/** Duration of a round in milliseconds: the call is repeated. */
const ROUND = 400

const gzipAsync = promisify(/** @type {typeof zlib.gzip & Callback} */ (zlib.gzip))
const gunzipAsync = promisify(/** @type {typeof zlib.gunzip & Callback} */ (zlib.gunzip))
const brotliAsync = promisify(/** @type {typeof zlib.brotliCompress & Callback} */ (zlib.brotliCompress))

/** @typedef {(input: Uint8Array, options: object, callback: (error: Error | null, output: Buffer) => void) => void} Callback */

/**
 * @param {number} level
 * @returns {Codec}
 */
function gzip(level) {
  return {
    transform: transforms.gzip({ level }),
    sync: 'gzipSync',
    runSync: input => zlib.gzipSync(input, { level }),
    async: 'zlib.gzip',
    runAsync: input => gzipAsync(input, { level }),
    back: input => zlib.gunzipSync(input)
  }
}

/** @returns {Codec} */
function gunzip() {
  return {
    transform: transforms.gunzip(),
    sync: 'gunzipSync',
    runSync: input => zlib.gunzipSync(input),
    async: 'zlib.gunzip',
    runAsync: input => gunzipAsync(input, {}),
    back: input => zlib.gzipSync(input)
  }
}

/**
 * @param {number} quality
 * @returns {Codec}
 */
function brotli(quality) {
  const options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: quality } }
  return {
    transform: transforms.brotliCompress({ quality }),
    sync: 'brotliCompressSync',
    runSync: input => zlib.brotliCompressSync(input, options),
    async: 'zlib.brotliCompress',
    runAsync: input => brotliAsync(input, options),
    back: input => zlib.brotliDecompressSync(input)
  }
}

/**
 * @param {number} threads
 * @param {Codec} codec
 * @param {Uint8Array} input
 */
async function open(threads, codec, input) {
  const pool = new Pool({ threads })
  const { transform } = codec
  /** @type {{ name: string, run: Run, close?: () => Promise<void> }[]} */
  const contenders = [
    { name: 'offloop', run: input => pool.run(transform, input), close: () => pool.close() },
    { name: codec.sync, run: codec.runSync },
    { name: codec.async, run: codec.runAsync }
  ]
  const expected = Buffer.from(await codec.back(await codec.runSync(input)))
  for (const { name, run } of contenders) {
    deepStrictEqual(Buffer.compare(await codec.back(await run(input)), expected), 0, `${name} corrupts its input`)
  }
  return contenders.map(contender => ({
    ...contender,
    round: () => repeat(contender.run, input, () => performance.now(), ROUND)
  }))
}

/**
 * @param {string} name
 * @param {string} what
 * @param {() => Uint8Array} input
 * @returns {Case}
 */
function withTarget(name, what, input) {
  return {
    name,
    what: `gzip level 6 of ${what}, one at a time`,
    reference: 'gzipSync',
    measures: [
      { name: 'throughput', unit: 'MB/s', target: { of: 'ratio', atLeast: 1.5 } },
      { name: 'output', unit: '% of input', target: { of: 'ratio', atMost: 1 } }
    ],
    open: threads => open(threads, gzip(6), input())
  }
}

/**
 * @param {string} name
 * @param {string} what
 * @param {() => Codec} codec
 * @param {() => Uint8Array} input
 * @returns {Case}
 */
function informative(name, what, codec, input) {
  return {
    name,
    what: `${what} of 4 MiB of cities, one at a time, for information`,
    reference: codec().sync,
    measures: [
      { name: 'throughput', unit: 'MB/s' },
      { name: 'output', unit: '% of input' }
    ],
    open: threads => open(threads, codec(), input())
  }
}

/** @param {number} size */
const start = size => cities().slice(0, size)

/** @type {Case[]} */
const cases = [
  withTarget('gzip-64k', '64 KiB of cities', () => start(64 * 1024)),
  withTarget('gzip-1m', '1 MiB of cities', () => start(MIB)),
  withTarget('gzip-17m', '17 MB of cities', cities),
  withTarget('gzip-20m', '20 MB of browser data', browsers),
  informative(
    'gzip-level-1',
    'gzip level 1',
    () => gzip(1),
    () => start(4 * MIB)
  ),
  informative(
    'gzip-level-9',
    'gzip level 9',
    () => gzip(9),
    () => start(4 * MIB)
  ),
  informative('gunzip', 'gunzip', gunzip, () => zlib.gzipSync(start(4 * MIB), { level: 6 })),
  informative(
    'brotli-4',
    'brotli quality 4',
    () => brotli(4),
    () => start(4 * MIB)
  )
]

module.exports = { cases }
