'use strict'

// What the loaded server lets wait: some tasks for each thread, and none for longer than this.

const { availableParallelism } = require('node:os')

const MAX_QUEUE = 4 * availableParallelism()
const MAX_WAIT = 250

module.exports = { MAX_QUEUE, MAX_WAIT }
