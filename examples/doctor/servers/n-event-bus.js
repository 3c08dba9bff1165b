'use strict'

// An event bus: each of thirty tenants subscribes once, when its first request arrives.

const { EventEmitter } = require('node:events')
const http = require('node:http')

const TENANTS = 30
const bus = new EventEmitter().setMaxListeners(TENANTS)
/** @type {Map<number, { events: number }>} */
const tenants = new Map()
let requests = 0

/** @param {number} id */
function tenant(id) {
  const known = tenants.get(id)
  if (known !== undefined) return known
  const created = { events: 0 }
  bus.on('order', () => created.events++)
  tenants.set(id, created)
  return created
}

const server = http.createServer((_request, response) => {
  const { events } = tenant(Math.floor(requests++ / 500) % TENANTS)
  bus.emit('order')
  response.end(String(events))
})
server.listen(Number(process.env.PORT ?? 0))
