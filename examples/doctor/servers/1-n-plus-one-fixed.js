'use strict'

// The orders of 1-n-plus-one.js in one query.

const http = require('node:http')
const { connect } = require('slow-database')

const ORDERS = 12
const database = connect()
let customers = 0

/** @param {number} customer */
function ordersOf(customer) {
  const ids = Array.from({ length: ORDERS }, (_, order) => customer * ORDERS + order)
  return database.query(`orders:${ids.join(',')}`)
}

const server = http.createServer(async (_request, response) => {
  const orders = await ordersOf(customers++)
  response.end(JSON.stringify(orders))
})
server.listen(Number(process.env.PORT ?? 0))
