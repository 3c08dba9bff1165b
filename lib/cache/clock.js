'use strict'

const { now } = require('../internal/clock')
const native = require('../native')

/** Between this environment's clock and the one that all environments share. */
const offset = native.cacheClock() - now()

/** Milliseconds, monotonic, the same in all environments of the process. Tests put their own in its place. */
const clock = { now: () => now() + offset }

module.exports = { clock }
