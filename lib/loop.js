'use strict'

// The clock and the turn of the loop as they are when the package is loaded: fake timers of a test must not stop what
// settles promises.

const { performance } = require('node:perf_hooks')
const { setImmediate } = require('node:timers')

const now = performance.now.bind(performance)

module.exports = { now, setImmediate }
