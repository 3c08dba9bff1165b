'use strict'

// The cost of a call to a named cache from one and from many worker threads.

const { growthCase } = require('../../harness/growth.js')

const cases = [
  growthCase({
    name: 'cache-threads',
    what: 'calls to a named cache from this number of worker threads, 5 % of them sets of new ids',
    file: 'cache-threads.js',
    sizes: [1, 64],
    operations: ['call'],
    contenders: ['offloop']
  })
]

module.exports = { cases }
