'use strict'

// The memory of a million entries of 1 KB, and how much of it remains after their release.

const { processPerRound } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const CONTENDERS = ['offloop', 'lru-cache', 'offloop, objects', 'lru-cache, objects']
const FLAGS = ['--expose-gc', '--max-old-space-size=8192']

/** @type {Case[]} */
const cases = [
  {
    name: 'native-memory',
    what: '1,000,000 Buffers of 1,024 bytes in native storage; objects of as many bytes once encoded',
    once: true,
    measures: [
      {
        name: 'V8 heap, growth',
        unit: 'MB',
        target: { of: 'value', atMost: 10, contenders: ['offloop', 'offloop, objects'] }
      },
      // 1.35 × the payload + 300 MB.
      { name: 'resident, growth', unit: 'MB', target: { of: 'value', atMost: 1682 } },
      { name: 'resident, after close', unit: 'MB' }
    ],
    open: () => CONTENDERS.map(name => processPerRound(name, 'resident-entries.js', [name], FLAGS))
  }
]

module.exports = { cases }
