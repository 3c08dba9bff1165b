'use strict'

// Small files that are read synchronously, all of them for each request.

const { readFileSync } = require('node:fs')
const http = require('node:http')

/** @type {string[]} */
const paths = new Array(6000).fill(__filename)

function size() {
  let bytes = 0
  for (const path of paths) bytes += readFileSync(path).length // guilty
  return bytes
}

const server = http.createServer((_request, response) => {
  response.end(String(size()))
})
server.listen(Number(process.env.PORT ?? 0))
