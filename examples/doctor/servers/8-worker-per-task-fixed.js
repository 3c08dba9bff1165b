'use strict'

// The consumer of 8-worker-per-task.js, with a thread for each of its loops.

const { once } = require('node:events')
const { Worker } = require('node:worker_threads')
const { connect } = require('slow-database')

const CONSUMERS = 2
const script = require.resolve('../support/sums-worker.js')
const queue = connect()
let tasks = 0

/**
 * @param {Worker} worker
 * @param {number} size
 */
async function runTask(worker, size) {
  worker.postMessage(size)
  const [sum] = await once(worker, 'message')
  return sum
}

async function consume() {
  const worker = new Worker(script)
  for (;;) {
    const { rows } = await queue.query(`task:${tasks++}`)
    await runTask(worker, rows.length)
  }
}

for (let consumer = 0; consumer < CONSUMERS; consumer++) consume()
