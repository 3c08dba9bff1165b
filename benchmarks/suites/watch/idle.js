'use strict'

// The cost of a watch of the event loop in a process that does nothing else.

const { processPerRound } = require('../../harness/process-per-round.js')
const { WATCHERS } = require('../../contenders/watchers.js')

/** @type {import('../../harness/case.js').Case} */
const idle = {
  name: 'watch-idle',
  what: 'a process that does nothing else',
  measures: [{ name: 'CPU time', unit: '% of a core', target: { of: 'value', atMost: 0.3 } }],
  open: () => Object.keys(WATCHERS).map(name => processPerRound(name, 'idle.js', [name]))
}

module.exports = { cases: [idle] }
