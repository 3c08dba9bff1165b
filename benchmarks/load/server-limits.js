'use strict'

// Limits of the server's queue: the number of tasks, and the maximum wait in milliseconds. The eight clients of the case `ping`
// always fit.

const { availableParallelism } = require('node:os')

const MAX_QUEUE = Math.max(8, 4 * availableParallelism())
const MAX_WAIT = 250

module.exports = { MAX_QUEUE, MAX_WAIT }
