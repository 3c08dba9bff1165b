'use strict'

// A job that holds the loop several times a second, outside of any request.

const http = require('node:http')

const PERIOD = 200
const values = Float64Array.from({ length: 1_000_000 }, (_, index) => (index * 7919) % 1_000_003)
const statistics = { median: 0 }

function refreshStatistics() {
  statistics.median = values.toSorted()[values.length >> 1] // guilty
}

setInterval(refreshStatistics, PERIOD)

const server = http.createServer((_request, response) => response.end(String(statistics.median)))
server.listen(Number(process.env.PORT ?? 0))
