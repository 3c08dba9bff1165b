'use strict'

// The requests of 2-abort-signals.js, each with a listener that is removed when its work ends.

const http = require('node:http')
const { setMaxListeners } = require('node:events')
const { connect } = require('slow-database')

const database = connect()
const shutdown = new AbortController()
setMaxListeners(0, shutdown.signal)
let requests = 0

/**
 * @param {Promise<unknown>} work
 * @param {AbortSignal} signal
 */
function cancellable(work, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

const server = http.createServer(async (_request, response) => {
  await cancellable(database.query(`row:${requests++}`), shutdown.signal)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
