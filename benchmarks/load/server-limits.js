'use strict'

// Limits of the server's queue: some tasks for each thread, and the longest wait in milliseconds.

const { availableParallelism } = require('node:os')

const MAX_QUEUE = 4 * availableParallelism()
const MAX_WAIT = 250

module.exports = { MAX_QUEUE, MAX_WAIT }
