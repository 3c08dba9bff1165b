'use strict'

// A download: a pipeline waits for the client, and closes the file when the client disconnects.

const { createReadStream } = require('node:fs')
const http = require('node:http')
const { pipeline } = require('node:stream/promises')

const server = http.createServer(async (_request, response) => {
  // A file that every machine has.
  const file = createReadStream(process.execPath, { end: 4_000_000 })
  await pipeline(file, response).catch(() => {})
})
server.listen(Number(process.env.PORT ?? 0))
