'use strict'

// An Express server that writes and compresses JSON off the event loop, responds with 503 under overload, and cancels the work of
// clients that disconnect.
//
//   node examples/express.js              then: curl --compressed http://localhost:3000/report
//   PORT=8080 node examples/express.js

const express = require('express')
const { OverloadError, Pool, signalOf, transforms } = require('offloop')

/** At most 64 reports wait, each for at most half a second. */
const pool = new Pool({ name: 'reports', maxQueue: 64, maxWait: 500 })
const write = transforms.json.stringify()
const writeGzip = transforms.chain(write, transforms.gzip({ level: 6 }))
/** Milliseconds before a 503 is sent: clients that retry at once would take the event loop from the admitted reports. */
const REFUSAL_DELAY = 250

const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id}`, price: id * 1.5 }))

const app = express()

app.get('/report', async (request, response) => {
  const isGzip = request.acceptsEncodings('gzip') !== false
  const body = await pool.run(isGzip ? writeGzip : write, rows, { signal: signalOf(response) })
  if (isGzip) response.set('content-encoding', 'gzip')
  response.vary('accept-encoding').type('json').send(body)
})

// Express recognizes an error handler by its four parameters.
app.use(refuse)

/**
 * @param {any} error
 * @param {express.Request} _request
 * @param {express.Response} response
 * @param {express.NextFunction} next
 */
function refuse(error, _request, response, next) {
  if (error instanceof OverloadError) {
    response.status(error.statusCode).set('retry-after', '1')
    setTimeout(() => response.json({ error: 'The server is overloaded' }), REFUSAL_DELAY)
  } else if (!response.destroyed) next(error) // the client of a destroyed response has disconnected
}

if (require.main === module) {
  const server = app.listen(Number(process.env.PORT ?? 3000), () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    process.stdout.write(`http://localhost:${port}/report\n`)
  })
  process.once('SIGTERM', () => server.close(() => pool.close()))
}

module.exports = { app, pool }
