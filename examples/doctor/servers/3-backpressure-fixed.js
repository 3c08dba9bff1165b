'use strict'

// The export of 3-backpressure-ignored.js as a pipeline, which makes a page when the client has room for it.

const http = require('node:http')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')

const PAGES = 128
const page = Buffer.alloc(32_768, 'row\n')

function* pages() {
  for (let index = 0; index < PAGES; index++) yield page
}

/** @param {http.ServerResponse} response */
function exportAll(response) {
  return pipeline(Readable.from(pages()), response).catch(() => {})
}

const server = http.createServer((_request, response) => exportAll(response))
server.listen(Number(process.env.PORT ?? 0))
