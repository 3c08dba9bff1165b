'use strict'

// An export that writes all its pages without waiting for the client: they are buffered in the server's memory.

const http = require('node:http')

const PAGES = 128
const page = Buffer.alloc(32_768, 'row\n')

/** @param {http.ServerResponse} response */
function exportAll(response) {
  for (let index = 0; index < PAGES; index++) response.write(page) // guilty
  response.end()
}

const server = http.createServer((_request, response) => exportAll(response))
server.listen(Number(process.env.PORT ?? 0))
