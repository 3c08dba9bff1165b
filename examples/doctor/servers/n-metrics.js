'use strict'

// Counters and the last durations by route.

const http = require('node:http')

const KEPT = 1000
/** @type {Map<string, number>} */
const counters = new Map()
/** @type {number[]} */
const durations = []
let next = 0

/**
 * @param {string} route
 * @param {number} status
 * @param {number} duration
 */
function record(route, status, duration) {
  const key = `${route} ${status}`
  counters.set(key, (counters.get(key) ?? 0) + 1)
  durations[next++ % KEPT] = duration
}

const server = http.createServer((request, response) => {
  const began = performance.now()
  response.once('finish', () => record(request.url ?? '', response.statusCode, performance.now() - began))
  if (request.url === '/missing') response.statusCode = 404
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
