'use strict'

// The cost of a task that is submitted together with few and with many others.

const { growthCase } = require('../../harness/growth.js')

const cases = [
  growthCase({
    name: 'queued-tasks',
    what: 'no-op tasks, this number of them submitted together',
    file: 'queued-tasks.js',
    sizes: [1000, 1_000_000],
    operations: ['task'],
    contenders: ['offloop', 'promises alone']
  })
]

module.exports = { cases }
