'use strict'

// Work in a handler of HTTP/2.

const http2 = require('node:http2')

const LIMIT = 8_000_000

/** @param {number} limit */
function primes(limit) {
  const isComposite = new Uint8Array(limit)
  for (let n = 2; n * n < limit; n++) for (let m = n * n; m < limit; m += n) isComposite[m] = 1 // guilty
  return isComposite.length
}

const server = http2.createServer()
server.on('stream', stream => {
  stream.respond({ ':status': 200 })
  stream.end(String(primes(LIMIT)))
})
server.listen(Number(process.env.PORT ?? 0))
