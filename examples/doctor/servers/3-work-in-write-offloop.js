'use strict'

// Uploads like those of 3-work-in-write.js are hashed on the pool's threads.

const http = require('node:http')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { pool, transforms } = require('offloop')

const CHUNKS = Array.from({ length: 8 }, (_, index) => Buffer.alloc(16_384, index))
const digest = transforms.digest('sha256', { encoding: 'hex' })

const server = http.createServer(async (_request, response) => {
  const sink = pool.collect(digest)
  await pipeline(Readable.from(CHUNKS), sink)
  response.end(await sink.result)
})
server.listen(Number(process.env.PORT ?? 0))
