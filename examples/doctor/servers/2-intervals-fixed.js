'use strict'

// The intervals of 2-intervals.js, which end with their response.

const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const session = { beats: 0 }

/** @param {http.ServerResponse} response */
function keepAlive(response) {
  const interval = setInterval(() => session.beats++, 10_000)
  response.once('close', () => clearInterval(interval))
}

const server = http.createServer(async (_request, response) => {
  keepAlive(response)
  await sleep(20)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
