'use strict'

// What a million entries of 1 KB take, and what stays of it once they are let go.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

/** @typedef {import('../../row.js').Row} Row */

const child = join(__dirname, '../../held.js')
const FLAGS = ['--expose-gc', '--max-old-space-size=8192']

/** @param {string} name */
function contender(name) {
  return {
    name,
    async round() {
      const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, child, name])
      return JSON.parse(stdout)
    }
  }
}

/** @type {Row[]} */
const rows = [
  {
    name: 'native-memory',
    what: '1,000,000 Buffers of 1,024 bytes in native storage; objects of as many bytes once encoded',
    once: true,
    measures: [
      { name: 'V8 heap, growth', unit: 'MB', bar: { of: 'value', atMost: 150 } },
      // 1.35 × the payload, and 300 MB.
      { name: 'resident, growth', unit: 'MB', bar: { of: 'value', atMost: 1682 } },
      { name: 'resident, after close', unit: 'MB' }
    ],
    open: () => ['offloop', 'lru-cache', 'offloop, objects', 'lru-cache, objects'].map(contender)
  }
]

module.exports = { rows }
