'use strict'

// An Express server that makes and compresses JSON off the event loop, says 503 when it has too much to do, and drops the work of
// clients that went away.
//
//   node examples/express.js              then: curl --compressed http://localhost:3000/report
//   PORT=8080 node examples/express.js

const express = require('express')
const { Pool, transforms } = require('offloop')

/** No more than 64 reports wait, and none for longer than half a second. */
const pool = new Pool({ name: 'reports', maxQueue: 64, maxWait: 500 })
const pack = transforms.chain(transforms.json.stringify(), transforms.gzip({ level: 6 }))

const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id}`, price: id * 1.5 }))

const app = express()

app.get('/report', async (_request, response) => {
  const body = await pool.run(pack, rows, { signal: goneSignal(response) })
  response.set({ 'content-type': 'application/json', 'content-encoding': 'gzip' }).send(body)
})

// Express knows it by its four parameters.
app.use(refuse)

/**
 * Aborts when nobody waits for the response any more.
 * @param {express.Response} response
 */
function goneSignal(response) {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}

/**
 * @param {any} error
 * @param {express.Request} _request
 * @param {express.Response} response
 * @param {express.NextFunction} next
 */
function refuse(error, _request, response, next) {
  if (error.code === 'ERR_OFFLOOP_QUEUE_FULL' || error.code === 'ERR_OFFLOOP_QUEUE_TIMEOUT') {
    response.status(503).set('retry-after', '1').json({ error: 'Too much to do at the moment' })
  } else if (!response.destroyed) next(error) // nobody reads what is said to a client that is gone
}

if (require.main === module) {
  const server = app.listen(Number(process.env.PORT ?? 3000), () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    process.stdout.write(`http://localhost:${port}/report\n`)
  })
  process.once('SIGTERM', () => server.close(() => pool.close()))
}

module.exports = { app, pool }
