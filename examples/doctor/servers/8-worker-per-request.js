'use strict'

// t8: a thread for each request.

const http = require('node:http')
const { Worker } = require('node:worker_threads')

const script = require.resolve('../support/sum-worker.js')

/**
 * @param {number} data
 * @returns {Promise<number>}
 */
function runTask(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: data }) // guilty
    worker.on('message', resolve)
    worker.on('error', reject)
  })
}

const server = http.createServer(async (_request, response) => {
  response.end(String(await runTask(1)))
})
server.listen(Number(process.env.PORT ?? 0))
