'use strict'

// The work of 6-handler.js in reused threads.

const http = require('node:http')
const { pool, transforms } = require('offloop')
const { connect } = require('slow-database')

const database = connect()
const heavyCompute = transforms.worker(require.resolve('../support/heavy-compute.js'))
let requests = 0

function fetchRecords() {
  return database.query(`records:${requests++}`)
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/ping') {
    response.end('pong')
    return
  }
  const data = await fetchRecords()
  const result = await pool.run(heavyCompute, data)
  response.end(JSON.stringify(result))
})
server.listen(Number(process.env.PORT ?? 0))
