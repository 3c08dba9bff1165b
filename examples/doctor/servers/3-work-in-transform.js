'use strict'

// A transform that compresses its chunks synchronously.

const { createReadStream } = require('node:fs')
const http = require('node:http')
const { Transform } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { brotliCompressSync, constants } = require('node:zlib')

const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }

class Compressor extends Transform {
  /**
   * @param {Buffer} chunk
   * @param {BufferEncoding} _encoding
   * @param {import('node:stream').TransformCallback} callback
   */
  _transform(chunk, _encoding, callback) {
    callback(null, brotliCompressSync(chunk, { params })) // guilty
  }
}

// The first bytes of Node.js are a file that every machine has.
const server = http.createServer(async (_request, response) => {
  const file = createReadStream(process.execPath, { start: 30_000_000, end: 30_500_000, highWaterMark: 262_144 })
  await pipeline(file, new Compressor(), response).catch(() => {})
})
server.listen(Number(process.env.PORT ?? 0))
