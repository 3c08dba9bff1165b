'use strict'

// The time of `require`, each in a fresh process.

const { processPerRound } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Case} Case */

/** @type {Case[]} */
const cases = [
  {
    name: 'start-up',
    what: 'require in a fresh process',
    reference: 'piscina',
    rounds: 20,
    measures: [
      { name: 'require', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } },
      { name: 'threads before a task', unit: '', fold: 'max', target: { of: 'value', atMost: 0 } },
      { name: 'addon', unit: 'MB', target: { of: 'value', atMost: 12 } }
    ],
    open: () => ['offloop', 'piscina', 'workerpool'].map(name => processPerRound(name, 'require-time.js', [name]))
  }
]

module.exports = { cases }
