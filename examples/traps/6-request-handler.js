'use strict'

// CPU work inside a request handler: a large document is compressed and gets an ETag before it is sent.

const { createHash } = require('node:crypto')
const { gunzipSync, gzipSync } = require('node:zlib')
const { pool, transforms } = require('offloop')
const { pages } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

/** Documents of 1 MB, not yet compressed. */
const documents = pages(8, 10_000).map(page => Buffer.from(JSON.stringify(page)))

/**
 * Each request blocks the loop while its document is compressed. Requests that arrive together are handled in the same
 * event-loop iteration, so a /ping behind them waits for all of them, while the other cores idle.
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
 * Both run on the pool's threads in parallel. The loop only copies the document, and answers a /ping immediately.
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
  title: 'CPU work inside a request handler: gzip and an ETag for 1 MB of JSON',
  paths: documents.map((_, index) => `/documents/${index}`),
  naive,
  offloop,
  // Compressors may produce different bytes for the same document.
  open: (body, { etag }) => ({ etag, document: gunzipSync(body) })
}
