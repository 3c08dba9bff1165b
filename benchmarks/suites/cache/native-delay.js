'use strict'

// How late the loop is while a million values are held and asked for: what the collector has to do for them.

const { alone } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Row} Row */

const FLAGS = ['--max-old-space-size=8192']

/** @param {string} name @param {'asked' | 'unasked'} use */
function contender(name, use) {
  return alone(name, 'traffic.js', [name, use], FLAGS)
}

/**
 * One round each: filling a cache takes longer than what is measured.
 * @type {Row[]}
 */
const rows = [
  {
    name: 'native-beside',
    what: 'a 5 ms timer beside 20,000 loads/s of objects, while 1,000,000 × 1 KB are held that nobody asks for',
    reference: 'nothing held',
    rounds: 1,
    measures: [
      { name: 'timer late, p99', unit: 'ms', bar: { of: 'ratio', atMost: 1.5 } },
      { name: 'timer late, max', unit: 'ms' },
      { name: 'loop busy', unit: '%' }
    ],
    open: () => ['offloop', 'lru-cache', 'nothing held'].map(name => contender(name, 'unasked'))
  },
  {
    name: 'native-delay',
    what: 'a 5 ms timer beside 20,000 gets/s of objects, 10 % of them misses, 1,000,000 × 1 KB held',
    reference: 'nothing held',
    rounds: 1,
    measures: [
      { name: 'timer late, p99', unit: 'ms', bar: { of: 'ratio', atMost: 1.5 } },
      { name: 'timer late, max', unit: 'ms' },
      { name: 'loop busy', unit: '%' },
      { name: 'loads', unit: '%' }
    ],
    open: () => ['offloop', 'offloop, json', 'lru-cache', 'nothing held'].map(name => contender(name, 'asked'))
  }
]

module.exports = { rows }
