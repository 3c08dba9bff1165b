'use strict'

// The first step away from a worker thread per request: the script stays unchanged, and the pool limits the threads.

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
  title: 'a worker thread per request, against the unchanged script, one thread per core',
  paths,
  connections,
  naive,
  offloop,
  open,
  rows
}
