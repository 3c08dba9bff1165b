'use strict'

// As 7-messages.js, with one message of the configuration to each worker.

const cluster = /** @type {import('node:cluster').Cluster} */ (/** @type {unknown} */ (require('node:cluster')))
const http = require('node:http')

const KEYS = 3000

function startWorkers() {
  const configuration = Object.fromEntries(Array.from({ length: KEYS }, (_, key) => [`key${key}`, `value ${key}`]))
  for (let count = 0; count < 2; count++) cluster.fork().send(configuration)
}

function serve() {
  process.once('message', (/** @type {Record<string, string>} */ { key7 }) => {
    const server = http.createServer((_request, response) => response.end(key7))
    server.listen(Number(process.env.PORT ?? 0))
  })
}

if (cluster.isPrimary) startWorkers()
else serve()
