'use strict'

const { Cache } = require('./lib/cache')
const { OffloopError, OverloadError } = require('./lib/internal/errors')
const { signalOf } = require('./lib/internal/response-signal')
const { move } = require('./lib/task/input')
const { Pool, pool } = require('./lib/pool')
const { Sink } = require('./lib/stream')
const { transforms } = require('./lib/transform')

/** @type {typeof import('./index.d.ts')} */
module.exports = { Pool, pool, transforms, move, Cache, Sink, OffloopError, OverloadError, signalOf }
