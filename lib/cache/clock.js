'use strict'

const { now } = require('../internal/clock')
const native = require('../native')

/** Milliseconds between this environment's clock and the one that all environments share. */
const offset = native.cacheClock() - now()

/** Monotonic milliseconds, the same in all environments of the process. Tests replace `now`. */
const clock = { now: () => now() + offset }

module.exports = { clock }
