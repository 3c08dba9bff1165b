'use strict'

// Long polling: each request waits for the next change, or for a timeout.

const { EventEmitter, once } = require('node:events')
const http = require('node:http')

const changes = new EventEmitter().setMaxListeners(0)
let version = 0

setInterval(() => changes.emit('change', ++version), 30)

const server = http.createServer(async (_request, response) => {
  try {
    const [current] = await once(changes, 'change', { signal: AbortSignal.timeout(1000) })
    response.end(String(current))
  } catch {
    response.writeHead(204).end()
  }
})
server.listen(Number(process.env.PORT ?? 0))
