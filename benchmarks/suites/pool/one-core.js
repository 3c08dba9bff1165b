'use strict'

// gzip by one thread, compared with gzipSync by the CPU time of the whole process: it includes the copy of the input, and not the
// other work on the machine.

const { deepStrictEqual } = require('node:assert')
const zlib = require('node:zlib')
const { Pool, transforms } = require('../../..')
const { MIB, browsers, cities } = require('../../data/documents.js')
const { repeat } = require('../../load/repeat.js')
const { csv, logs, noise, packed, records, words } = require('../../data/texts.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const SIZE = 4 * MIB
/** CPU time of a round in milliseconds. */
const ROUND = 150
/** @type {Record<string, () => Uint8Array>} */
const inputs = {
  records: () => records(SIZE),
  logs: () => logs(SIZE),
  csv: () => csv(SIZE),
  words: () => words(SIZE),
  cities: () => cities().slice(0, SIZE),
  browsers: () => browsers().slice(0, SIZE),
  noise: () => noise(SIZE),
  packed: () => packed(SIZE),
  zeros: () => new Uint8Array(SIZE)
}

/**
 * @param {Uint8Array} input
 * @param {number} level
 */
async function open(input, level) {
  const pool = new Pool({ threads: 1 })
  const transform = transforms.gzip({ level })
  const contenders = [
    {
      name: 'offloop',
      run: (/** @type {Uint8Array} */ bytes) => pool.run(transform, bytes),
      close: () => pool.close()
    },
    { name: 'gzipSync', run: (/** @type {Uint8Array} */ bytes) => zlib.gzipSync(bytes, { level }) }
  ]
  for (const { name, run } of contenders) {
    deepStrictEqual(Buffer.compare(zlib.gunzipSync(await run(input)), input), 0, `${name} corrupts its input`)
  }
  return contenders.map(contender => ({
    ...contender,
    round: () => repeat(contender.run, input, cpuMilliseconds, ROUND)
  }))
}

/** Returns the CPU time of the process. */
function cpuMilliseconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * @param {string} data
 * @param {number} level
 * @returns {Case}
 */
function oneCore(data, level) {
  const input = /** @type {() => Uint8Array} */ (inputs[data])
  return {
    name: `one-core-${data}-${level}`,
    what: `gzip level ${level} of 4 MiB of ${data} by one thread, one at a time`,
    reference: 'gzipSync',
    measures: [
      { name: 'throughput', unit: 'MB/s of CPU time', target: { of: 'ratio', atLeast: 1.1 } },
      { name: 'output', unit: '% of input', target: { of: 'ratio', atMost: 1.001 } }
    ],
    open: () => open(input(), level)
  }
}

const cases = [
  ...Object.keys(inputs).map(data => oneCore(data, 6)),
  ...['records', 'logs'].flatMap(data => [oneCore(data, 1), oneCore(data, 9)])
]

module.exports = { cases }
