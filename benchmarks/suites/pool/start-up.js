'use strict'

// The time to load the published package, each in a fresh process.

const { processPerRound } = require('../../harness/process-per-round.js')
const { writePublished } = require('../../harness/published.js')

/** @typedef {import('../../harness/case.js').Case} Case */

/** Processes for each contender: their times differ by half. */
const PROCESSES = 40

/** @param {'require' | 'import'} how */
function contenders(how) {
  const specifiers = { offloop: writePublished(), piscina: 'piscina', workerpool: 'workerpool' }
  return Object.entries(specifiers).map(([name, specifier]) =>
    processPerRound(name, 'require-time.js', [name, specifier, how])
  )
}

/** @type {Case[]} */
const cases = [
  {
    name: 'start-up',
    what: 'require in a fresh process, reading the exports',
    reference: 'piscina',
    rounds: PROCESSES,
    measures: [
      { name: 'require', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } },
      { name: 'threads before a task', unit: '', fold: 'max', target: { of: 'value', atMost: 0 } },
      { name: 'addon', unit: 'MB', target: { of: 'value', atMost: 12 } }
    ],
    open: () => contenders('require')
  },
  {
    name: 'start-up-import',
    what: 'import in a fresh process, which reads every export',
    reference: 'piscina',
    rounds: PROCESSES,
    measures: [{ name: 'import', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } }],
    open: () => contenders('import')
  }
]

module.exports = { cases }
