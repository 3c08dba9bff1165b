'use strict'

// An access log: one line for each request, written without waiting.

const { createWriteStream } = require('node:fs')
const http = require('node:http')
const { devNull } = require('node:os')

const log = createWriteStream(devNull)

const server = http.createServer((request, response) => {
  response.end('ok')
  log.write(`${new Date().toISOString()} ${request.method} ${request.url} ${response.statusCode}\n`)
})
server.listen(Number(process.env.PORT ?? 0))
