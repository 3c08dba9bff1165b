'use strict'

// Workers that ask the primary process for the whole configuration at each request.

const cluster = /** @type {import('node:cluster').Cluster} */ (/** @type {unknown} */ (require('node:cluster')))
const http = require('node:http')

const KEYS = 3000

function startWorkers() {
  const configuration = Object.fromEntries(Array.from({ length: KEYS }, (_, key) => [`key${key}`, `value ${key}`]))
  for (let count = 0; count < 2; count++) cluster.fork()
  cluster.on('message', (worker, id) => worker.send({ id, configuration })) // guilty
}

function serve() {
  /** @type {Map<number, (configuration: Record<string, string>) => void>} */
  const waiting = new Map()
  let requests = 0
  process.on('message', (/** @type {any} */ { id, configuration }) => {
    waiting.get(id)?.(configuration)
    waiting.delete(id)
  })
  const server = http.createServer((_request, response) => {
    const id = requests++
    waiting.set(id, ({ key7 }) => response.end(key7))
    process.send?.(id)
  })
  server.listen(Number(process.env.PORT ?? 0))
}

if (cluster.isPrimary) startWorkers()
else serve()
