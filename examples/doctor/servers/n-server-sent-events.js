'use strict'

// Server-sent events: each response listens to the news until it closes.

const { EventEmitter } = require('node:events')
const http = require('node:http')

const EVENTS = 5
const news = new EventEmitter().setMaxListeners(0)
let items = 0

setInterval(() => news.emit('item', items++), 10)

const server = http.createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = EVENTS
  /** @param {number} item */
  const send = item => {
    response.write(`data: ${item}\n\n`)
    if (--left === 0) response.end()
  }
  news.on('item', send)
  response.once('close', () => news.off('item', send))
})
server.listen(Number(process.env.PORT ?? 0))
