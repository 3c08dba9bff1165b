'use strict'

// Whether a long run leaves memory behind.

const { Pool, transforms } = require('../../..')
const { parts } = require('../../data.js')

/** @typedef {import('../../row.js').Row} Row */

const TASKS = 1_000_000
const FIRST = 50_000
const IN_FLIGHT = 256

/** @param {number} threads */
function open(threads) {
  const inputs = parts(64, 64 * 1024)
  const pool = new Pool({ threads })
  const xxh3 = transforms.digest('xxh3-64')

  async function round() {
    await tasks(FIRST)
    const first = process.memoryUsage()
    await tasks(TASKS - FIRST)
    const end = process.memoryUsage()
    return {
      'after 50,000': first.rss / 1e6,
      'at the end': end.rss / 1e6,
      growth: end.rss / first.rss,
      'V8 heap, after 50,000': first.heapTotal / 1e6,
      'V8 heap, at the end': end.heapTotal / 1e6
    }
  }

  /** @param {number} count */
  async function tasks(count) {
    let next = 0
    const lane = async () => {
      while (next < count) await pool.run(xxh3, inputs[next++ % inputs.length])
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  }

  return [{ name: 'offloop', round, close: () => pool.close() }]
}

/** @type {Row[]} */
const rows = [
  {
    name: 'memory',
    what: 'resident memory over 1,000,000 xxh3 digests of 64 KiB, 256 in flight',
    once: true,
    measures: [
      { name: 'after 50,000', unit: 'MB' },
      { name: 'at the end', unit: 'MB' },
      { name: 'growth', unit: '×', bar: { of: 'value', atMost: 1.1 } },
      { name: 'V8 heap, after 50,000', unit: 'MB' },
      { name: 'V8 heap, at the end', unit: 'MB' }
    ],
    open
  }
]

module.exports = { rows }
