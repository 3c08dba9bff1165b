'use strict'

const { Cache } = require('./lib/cache')
const { OffloopError } = require('./lib/errors')
const { move } = require('./lib/input')
const { Pool, pool } = require('./lib/pool')
const { Sink } = require('./lib/stream')
const { transforms } = require('./lib/transforms')

/** @type {typeof import('./index.d.ts')} */
module.exports = { Pool, pool, transforms, move, Cache, Sink, OffloopError }
