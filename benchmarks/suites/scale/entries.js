'use strict'

// The cost of a get from a cache of few and of many entries.

const { growthCase } = require('../../harness/growth.js')

const cases = [
  growthCase({
    name: 'entries',
    what: 'awaited gets from a full cache: hits of 1,000 hot ids, and misses that evict',
    file: 'entries.js',
    sizes: [1000, 10_000_000],
    operations: ['hit', 'miss'],
    contenders: ['offloop', 'offloop, native', 'Map'],
    judged: ['offloop', 'offloop, native'],
    flags: ['--max-old-space-size=8192']
  })
]

module.exports = { cases }
