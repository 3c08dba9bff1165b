'use strict'

// What `require` costs, each time in a process that has loaded nothing else.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

/** @typedef {import('../../row.js').Row} Row */

const child = join(__dirname, '../../require.js')

/** @param {string} name */
function contender(name) {
  return {
    name,
    async round() {
      const { stdout } = await promisify(execFile)(process.execPath, [child, name])
      return JSON.parse(stdout)
    }
  }
}

/** @type {Row[]} */
const rows = [
  {
    name: 'start-up',
    what: 'require in a fresh process',
    reference: 'piscina',
    rounds: 20,
    measures: [
      { name: 'require', unit: 'ms', bar: { of: 'value', atMost: 30 } },
      { name: 'threads before a task', unit: '', fold: 'max', bar: { of: 'value', atMost: 0 } },
      { name: 'addon', unit: 'MB', bar: { of: 'value', atMost: 12 } }
    ],
    open: () => ['offloop', 'piscina', 'workerpool'].map(contender)
  }
]

module.exports = { rows }
