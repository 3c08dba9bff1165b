'use strict'

// Limits of the server's queue: the number of tasks, and the maximum wait in milliseconds.

const { availableParallelism } = require('node:os')

const MAX_QUEUE = 4 * availableParallelism()
const MAX_WAIT = 250

module.exports = { MAX_QUEUE, MAX_WAIT }
