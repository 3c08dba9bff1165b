// A loop over an async generator that has all its rows in memory: it never waits for I/O.

import http from 'node:http'

const ROWS = Array.from({ length: 500 }, (_, id) => ({
  id,
  prices: Array.from({ length: 500 }, (_, day) => (id * day) % 97)
}))

async function* rows() {
  for (const row of ROWS) yield row
}

/** @param {number[]} prices */
async function deviation(prices) {
  const sorted = prices.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] - sorted[0]
}

async function report() {
  let total = 0
  for await (const { prices } of rows()) {
    total += await deviation(prices) // guilty
  }
  return total
}

const server = http.createServer(async (_request, response) => {
  response.end(String(await report()))
})
server.listen(Number(process.env.PORT ?? 0))
