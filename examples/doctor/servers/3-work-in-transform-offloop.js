'use strict'

// The compression of 3-work-in-transform.js on the pool's threads.

const { createReadStream } = require('node:fs')
const http = require('node:http')
const { pipeline } = require('node:stream/promises')
const { pool, transforms } = require('offloop')

const compress = transforms.gzip({ level: 1 })

const server = http.createServer(async (_request, response) => {
  const file = createReadStream(process.execPath, { start: 30_000_000, end: 30_500_000 })
  await pipeline(file, pool.stream(compress), response).catch(() => {})
})
server.listen(Number(process.env.PORT ?? 0))
