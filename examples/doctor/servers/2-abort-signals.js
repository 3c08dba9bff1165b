'use strict'

// Each request listens to the signal that ends the server, and never stops to.

const http = require('node:http')
const { connect } = require('slow-database')

const database = connect()
const shutdown = new AbortController()
let requests = 0

/**
 * @param {Promise<unknown>} work
 * @param {AbortSignal} signal
 */
function cancellable(work, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason)) // guilty
    work.then(resolve, reject)
  })
}

const server = http.createServer(async (_request, response) => {
  await cancellable(database.query(`row:${requests++}`), shutdown.signal)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
