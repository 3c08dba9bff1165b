'use strict'

// The stack that a watch of the event loop reports for a block.

const { processPerRound } = require('../../harness/process-per-round.js')
const { WATCHERS } = require('../../contenders/watchers.js')

/** @type {import('../../harness/case.js').Case} */
const stack = {
  name: 'watch-stack',
  what: 'a function that blocks the event loop for 200 ms',
  measures: [
    { name: 'names the function', unit: '', target: { of: 'value', atLeast: 1 } },
    { name: 'stack late', unit: 'ms' }
  ],
  open() {
    const names = Object.keys(WATCHERS).filter(name => name !== 'none')
    return names.map(name => processPerRound(name, 'block.js', [name]))
  }
}

module.exports = { cases: [stack] }
