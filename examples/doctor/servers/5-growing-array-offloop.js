'use strict'

// The objects of 5-growing-array.js in a cache with a limit, outside the heap.

const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')
const { Cache } = require('offloop')

/** @type {Cache<number, object>} */
const cache = new Cache({ maxBytes: 4 << 20, storage: 'native', codec: 'json' })
let objects = 0

function generateLargeObject() {
  return { at: Date.now(), rows: Array.from({ length: 100 }, (_, row) => ({ row, name: `row${row}` })) }
}

setInterval(() => cache.set(objects++, generateLargeObject()), 10)

const server = http.createServer(async (_request, response) => {
  cache.set(objects++, generateLargeObject())
  await sleep(20)
  response.end(`ok ${cache.size}`)
})
server.listen(Number(process.env.PORT ?? 0))
