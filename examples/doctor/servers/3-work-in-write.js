'use strict'

// t3: a sink that hashes its chunks in write(), which holds the loop for each of them.

const { createHash } = require('node:crypto')
const http = require('node:http')
const { Readable, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')

const ROUNDS = 400
const CHUNKS = Array.from({ length: 8 }, (_, index) => Buffer.alloc(16_384, index))

/** @param {Buffer} chunk */
function heavySyncProcessing(chunk) {
  let digest = chunk
  for (let round = 0; round < ROUNDS; round++) digest = createHash('sha256').update(chunk).update(digest).digest() // guilty
  return digest
}

const server = http.createServer(async (_request, response) => {
  const sink = new Writable({
    write(chunk, _encoding, callback) {
      heavySyncProcessing(chunk)
      callback()
    }
  })
  await pipeline(Readable.from(CHUNKS), sink)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
