'use strict'

// The first step away from a worker thread per request: the script stays as it is, and the pool bounds how many of it run.

const { pool, transforms } = require('offloop')
const { connections, input, open, paths, rows, script } = require('./nearby')
const { naive } = require('./8-worker-per-request')

const unchanged = transforms.workerScript(script)

/** @type {import('./traps').Handler} */
async function offloop(request, response) {
  response.end(JSON.stringify(await pool.run(unchanged, input(request))))
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 8,
  name: 'worker-unchanged',
  what: 'the same, against the script unchanged, as many at a time as there are cores',
  paths,
  connections,
  naive,
  offloop,
  open,
  rows
}
