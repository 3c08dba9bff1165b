'use strict'

const { lazy, lazyProperties } = require('./lib/internal/lazy')
// Captures the timers before tests can fake them.
require('./lib/internal/clock')
// Throws the error of an addon that cannot be loaded.
require('./lib/native')

const lib = lazy(() => require('./lib'))

/** @type {typeof import('./index.d.ts')} */
module.exports = lazyProperties({
  Pool: () => lib().Pool,
  pool: () => lib().pool,
  transforms: () => lib().transforms,
  move: () => lib().move,
  Cache: () => lib().Cache,
  Sink: () => lib().Sink,
  OffloopError: () => lib().OffloopError,
  OverloadError: () => lib().OverloadError,
  signalOf: () => lib().signalOf
})

// Node.js finds the names for `import { Pool } from 'offloop'` here, in the source.
exports.Pool = exports.pool = exports.transforms = exports.move = exports.Cache = exports.Sink = undefined
exports.OffloopError = exports.OverloadError = exports.signalOf = undefined
