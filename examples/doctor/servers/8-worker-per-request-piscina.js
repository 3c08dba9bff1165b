'use strict'

// The tasks of 8-worker-per-request.js in the threads of Piscina.

const http = require('node:http')
const { Piscina } = require('piscina')

const piscina = new Piscina({ filename: require.resolve('../support/sum.js'), minThreads: 1, maxThreads: 2 })

/** @param {number} data */
function runTask(data) {
  return piscina.run(data)
}

const server = http.createServer(async (_request, response) => {
  response.end(String(await runTask(1)))
})
server.listen(Number(process.env.PORT ?? 0))
