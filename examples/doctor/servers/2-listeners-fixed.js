'use strict'

// The subscriptions of 2-listeners.js, which end with their response.

const { EventEmitter } = require('node:events')
const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const emitter = new EventEmitter().setMaxListeners(0)
const seen = { bytes: 0 }

/** @param {{ bytes: Buffer }} data */
function processChunk(data) {
  seen.bytes += data.bytes.length
}

/**
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 */
function subscribe(request, response) {
  const data = { url: request.url, bytes: Buffer.alloc(100) }
  const listener = () => processChunk(data)
  emitter.on('data', listener)
  response.once('close', () => emitter.off('data', listener))
}

const server = http.createServer(async (request, response) => {
  subscribe(request, response)
  await sleep(20)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
