'use strict'

// A rate limiter: the requests of each client in the last second.

const http = require('node:http')

const LIMIT = 100
const WINDOW = 1000
/** @type {Map<string, { count: number, until: number }>} */
const clients = new Map()
let requests = 0

/** @param {string} client */
function isAllowed(client) {
  const now = Date.now()
  const entry = clients.get(client)
  if (entry === undefined || entry.until < now) {
    clients.set(client, { count: 1, until: now + WINDOW })
    return true
  }
  return ++entry.count <= LIMIT
}

setInterval(() => {
  const now = Date.now()
  for (const [client, { until }] of clients) if (until < now) clients.delete(client)
}, WINDOW)

const server = http.createServer((_request, response) => {
  if (!isAllowed(`10.0.${requests++ % 3000}`)) response.statusCode = 429
  response.end()
})
server.listen(Number(process.env.PORT ?? 0))
