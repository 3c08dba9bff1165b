'use strict'

// Each request starts an interval that is never cleared.

const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const session = { beats: 0 }

function keepAlive() {
  setInterval(() => session.beats++, 10_000) // guilty
}

const server = http.createServer(async (_request, response) => {
  keepAlive()
  await sleep(20)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
