'use strict'

const { clearTimeout, now, setImmediate, setTimeout } = require('../internal/clock')

/** The clock and the timers of tiers. Tests replace them. */
const timing = { now, setTimeout, clearTimeout, setImmediate, random: Math.random }

module.exports = { timing }
