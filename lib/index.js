'use strict'

// The exports of the package and everything they need, which is loaded together (docs/internals/loading.md).

const { Cache } = require('./cache')
const { OffloopError, OverloadError } = require('./internal/errors')
const { signalOf } = require('./internal/response-signal')
const { move } = require('./task/input')
const { Pool, pool } = require('./pool')
const { Sink } = require('./stream')
const { transforms } = require('./transform')

module.exports = { Pool, pool, transforms, move, Cache, Sink, OffloopError, OverloadError, signalOf }
