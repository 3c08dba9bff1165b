'use strict'

const { lazyProperties } = require('./lib/internal/lazy')
// Captures the timers before tests can fake them.
require('./lib/internal/clock')
// Throws the error of an addon that cannot be loaded.
require('./lib/native')

const exported = lazyProperties(
  () => require('./lib'),
  ['Pool', 'pool', 'transforms', 'move', 'Cache', 'Sink', 'OffloopError', 'OverloadError', 'signalOf']
)

/** @type {typeof import('./index.d.ts')} */
module.exports = lazyProperties(() => require('./lib/tier'), ['TieredCache'], exported)

// Node.js finds the names for `import { Pool } from 'offloop'` here, in the source.
exports.Pool = exports.pool = exports.transforms = exports.move = exports.Cache = exports.Sink = undefined
exports.OffloopError = exports.OverloadError = exports.signalOf = exports.TieredCache = undefined
