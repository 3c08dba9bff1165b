'use strict'

// What `require` costs, each time in a process that has loaded nothing else.

const { alone } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Row} Row */

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
    open: () => ['offloop', 'piscina', 'workerpool'].map(name => alone(name, 'require-time.js', [name]))
  }
]

module.exports = { rows }
