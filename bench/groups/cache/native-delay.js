'use strict'

// How late the loop is while a million values are held and asked for: what the collector has to do for them.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

/** @typedef {import('../../row.js').Row} Row */

const child = join(__dirname, '../../traffic.js')

/** @param {string} name */
function contender(name) {
  return {
    name,
    async round() {
      const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=8192', child, name])
      return JSON.parse(stdout)
    },
    // Each round has a process of its own.
    warm() {}
  }
}

/** @type {Row[]} */
const rows = [
  {
    name: 'native-delay',
    what: 'a 5 ms timer beside 20,000 gets/s of objects, 10 % of them misses, 1,000,000 × 1 KB held',
    reference: 'nothing held',
    rounds: 3,
    measures: [
      { name: 'timer late, p99', unit: 'ms', bar: { of: 'ratio', atMost: 1.5 } },
      { name: 'timer late, max', unit: 'ms' },
      { name: 'loop busy', unit: '%' },
      { name: 'loads', unit: '%' }
    ],
    open: () => ['offloop', 'offloop, json', 'lru-cache', 'nothing held'].map(contender)
  }
]

module.exports = { rows }
