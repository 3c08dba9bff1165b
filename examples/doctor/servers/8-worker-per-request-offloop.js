'use strict'

// The tasks of 8-worker-per-request.js in reused threads.

const http = require('node:http')
const { pool, transforms } = require('offloop')

const sum = transforms.worker(require.resolve('../support/sum.js'))

/**
 * @param {number} data
 * @returns {Promise<number>}
 */
function runTask(data) {
  return pool.run(sum, data)
}

const server = http.createServer(async (_request, response) => {
  response.end(String(await runTask(1)))
})
server.listen(Number(process.env.PORT ?? 0))
