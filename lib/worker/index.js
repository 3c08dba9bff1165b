'use strict'

// User code in worker threads, under the permits of a pool.

const { readWorkerOptions } = require('./options')
const { worker, workerScript } = require('./transform')

module.exports = { readWorkerOptions, worker, workerScript }
