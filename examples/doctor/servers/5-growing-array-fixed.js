'use strict'

// The array of 5-growing-array.js, which keeps the last hundred objects.

const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const KEPT = 100
/** @type {object[]} */
const cache = []

function generateLargeObject() {
  return { at: Date.now(), rows: Array.from({ length: 100 }, (_, row) => ({ row, name: `row${row}` })) }
}

/** @param {object} data */
function remember(data) {
  cache.push(data)
  if (cache.length > KEPT) cache.shift()
}

setInterval(() => remember(generateLargeObject()), 10)

const server = http.createServer(async (_request, response) => {
  remember(generateLargeObject())
  await sleep(20)
  response.end(`ok ${cache.length}`)
})
server.listen(Number(process.env.PORT ?? 0))
