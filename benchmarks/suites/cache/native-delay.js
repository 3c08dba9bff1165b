'use strict'

// Lateness of the event loop with a million cached values: the work that they cause for the garbage collector.

const { processPerRound } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const FLAGS = ['--max-old-space-size=8192']

function contender(/** @type {string} */ name, /** @type {'read' | 'unread'} */ use) {
  return processPerRound(name, 'traffic.js', [name, use], FLAGS)
}

/**
 * One round each: filling a cache takes longer than the measurement.
 * @type {Case[]}
 */
const cases = [
  {
    name: 'native-beside',
    what: 'a 5 ms timer beside 20,000 loads/s of objects, with 1,000,000 × 1 KB held and never read',
    reference: 'nothing held',
    rounds: 1,
    measures: [
      { name: 'timer late, p99', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } },
      { name: 'timer late, max', unit: 'ms' },
      { name: 'loop busy', unit: '%' }
    ],
    open: () => ['offloop', 'lru-cache', 'nothing held'].map(name => contender(name, 'unread'))
  },
  {
    name: 'native-delay',
    what: 'a 5 ms timer beside 20,000 gets/s of objects, 10 % of them misses, 1,000,000 × 1 KB held',
    reference: 'nothing held',
    rounds: 1,
    measures: [
      { name: 'timer late, p99', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } },
      { name: 'timer late, max', unit: 'ms' },
      { name: 'loop busy', unit: '%' },
      { name: 'loads', unit: '%' }
    ],
    open: () => ['offloop', 'offloop, json', 'lru-cache', 'nothing held'].map(name => contender(name, 'read'))
  }
]

module.exports = { cases }
