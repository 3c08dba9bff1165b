'use strict'

const { hostTier } = require('./lib/tier/host')

/** @type {typeof import('./host.d.ts')} */
module.exports = { hostTier }
