'use strict'

// t6: work in a handler, which all other requests wait for.

const http = require('node:http')
const { connect } = require('slow-database')

const database = connect()
let requests = 0

function fetchRecords() {
  return database.query(`records:${requests++}`)
}

/** @param {{ rows: number[] }} data */
function heavyCompute(data) {
  let sum = data.rows.length
  for (let step = 0; step < 5_000_000; step++) sum = Math.sqrt(sum + step) // guilty
  return { sum }
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/ping') {
    response.end('pong')
    return
  }
  const data = await fetchRecords()
  const result = heavyCompute(data)
  response.end(JSON.stringify(result))
})
server.listen(Number(process.env.PORT ?? 0))
