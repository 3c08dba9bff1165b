'use strict'

// A worker thread per request: the loop is free, but each request pays for a thread, and their number is unbounded.

const { once } = require('node:events')
const { Worker } = require('node:worker_threads')
const { pool, transforms } = require('offloop')
const { connections, input, open, paths, rows, script } = require('./nearby')

/** @typedef {import('./traps').Handler} Handler */

/**
 * A thread needs tens of milliseconds to start, and megabytes of memory.
 * @type {Handler}
 */
async function naive(request, response) {
  const worker = new Worker(script, { workerData: input(request) })
  const [names] = await once(worker, 'message')
  response.end(JSON.stringify(names))
}

const nearest = transforms.worker(script)

/**
 * The function that the script calls, in threads that are reused, one per core.
 * @type {Handler}
 */
async function offloop(request, response) {
  response.end(JSON.stringify(await pool.run(nearest, input(request))))
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 8,
  name: 'worker-per-request',
  title: 'a worker thread per request, against its function in reused threads',
  paths,
  connections,
  naive,
  offloop,
  open,
  rows
}
