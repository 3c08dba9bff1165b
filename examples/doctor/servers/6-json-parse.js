'use strict'

// t6b: a large text is parsed in a handler. The interrupted stack is native.

const http = require('node:http')

const READINGS = 4_000_000
const text = JSON.stringify(Array.from({ length: READINGS }, (_, second) => (second * 7919) % 9973))

function countReadings() {
  const readings = JSON.parse(text) // guilty
  return readings.length
}

const server = http.createServer((_request, response) => {
  response.end(String(countReadings()))
})
server.listen(Number(process.env.PORT ?? 0))
