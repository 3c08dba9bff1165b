'use strict'

// A consumer of a queue, without a server, that starts a thread for each of its tasks.

const { once } = require('node:events')
const { Worker } = require('node:worker_threads')
const { connect } = require('slow-database')

const CONSUMERS = 2
const script = require.resolve('../support/sum-worker.js')
const queue = connect()
let tasks = 0

/** @param {number} size */
async function runTask(size) {
  const worker = new Worker(script, { workerData: size }) // guilty
  const [sum] = await once(worker, 'message')
  return sum
}

async function consume() {
  for (;;) {
    const { rows } = await queue.query(`task:${tasks++}`)
    await runTask(rows.length)
  }
}

for (let consumer = 0; consumer < CONSUMERS; consumer++) consume()
