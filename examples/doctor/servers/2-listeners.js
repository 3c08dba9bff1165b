'use strict'

// t2: each request adds a listener that is never removed, and holds the request's data.

const { EventEmitter } = require('node:events')
const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const emitter = new EventEmitter()
const seen = { bytes: 0 }

/** @param {{ bytes: Buffer }} data */
function processChunk(data) {
  seen.bytes += data.bytes.length
}

/** @param {http.IncomingMessage} request */
function subscribe(request) {
  const data = { url: request.url, bytes: Buffer.alloc(100) }
  emitter.on('data', () => processChunk(data)) // guilty
}

const server = http.createServer(async (request, response) => {
  subscribe(request)
  await sleep(20)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
