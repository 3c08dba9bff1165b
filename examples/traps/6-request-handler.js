'use strict'

// CPU work inside a request handler: a large document is compressed and gets an ETag before it is sent.

const { createHash } = require('node:crypto')
const { gunzipSync, gzipSync } = require('node:zlib')
const { pool, transforms } = require('offloop')
const { pages } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

/** Documents of 1 MB, ready to be sent but for their encoding. */
const documents = pages(8, 10_000).map(page => Buffer.from(JSON.stringify(page)))

/**
 * Each request stops the loop for as long as its document takes. Requests that come in together are handled in the same
 * turn of the loop, so a /ping behind them waits for all of them, and the other cores idle meanwhile.
 * @type {Handler}
 */
async function naive(request, response) {
  const document = find(request)
  const body = gzipSync(document, { level: 6 })
  const etag = createHash('sha256').update(document).digest('base64url')
  send(response, body, etag)
}

const gzip = transforms.gzip({ level: 6 })
const digest = transforms.digest('sha256', { encoding: 'base64url' })

/**
 * Both run on the pool's threads, side by side. The loop only copies the document to them, and a
 * /ping in between is answered at once.
 * @type {Handler}
 */
async function offloop(request, response) {
  const document = find(request)
  const [body, etag] = await Promise.all([pool.run(gzip, document), pool.run(digest, document)])
  send(response, body, etag)
}

/** @param {import('./traps').Request} request */
function find({ url = '' }) {
  return documents[Number(url.slice('/documents/'.length))]
}

/**
 * @param {import('./traps').Response} response
 * @param {Buffer} body
 * @param {string} etag
 */
function send(response, body, etag) {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', etag: `W/"${etag}"` }
  response.writeHead(200, headers).end(body)
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 6,
  name: 'request-handler',
  what: 'CPU work inside a request handler: gzip and an ETag for 1 MB of JSON',
  paths: documents.map((_, index) => `/documents/${index}`),
  naive,
  offloop,
  // Compressors differ in their bytes, never in what these say.
  open: (body, { etag }) => ({ etag, document: gunzipSync(body) })
}
