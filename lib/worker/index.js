'use strict'

// User code in worker threads, under the permits of a pool.

const { readWorkerOptions } = require('./options')
const { module: module_, workerScript } = require('./transform')

module.exports = { module: module_, readWorkerOptions, workerScript }
