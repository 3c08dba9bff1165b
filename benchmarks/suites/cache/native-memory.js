'use strict'

// What a million entries of 1 KB take, and what stays of it once they are let go.

const { alone } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Row} Row */

const CONTENDERS = ['offloop', 'lru-cache', 'offloop, objects', 'lru-cache, objects']
const FLAGS = ['--expose-gc', '--max-old-space-size=8192']

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
    open: () => CONTENDERS.map(name => alone(name, 'resident-entries.js', [name], FLAGS))
  }
]

module.exports = { rows }
