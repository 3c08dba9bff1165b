'use strict'

// The orders of 1-n-plus-one-client.js, all in one query.

const http = require('node:http')
const { connect } = require('../support/text-client')

const ORDERS = 12
const client = connect()
let customers = 0

/** @param {number} customer */
async function ordersOf(customer) {
  const ids = Array.from({ length: ORDERS }, (_, order) => customer * ORDERS + order)
  return (await client).get(`orders:${ids.join(',')}`)
}

const server = http.createServer(async (_request, response) => {
  response.end(JSON.stringify(await ordersOf(customers++)))
})
server.listen(Number(process.env.PORT ?? 0))
