'use strict'

// One query for each order of a customer, each after the answer of the one before.

const http = require('node:http')
const { connect } = require('slow-database')

const ORDERS = 12
const database = connect()
let customers = 0

/** @param {number} customer */
async function ordersOf(customer) {
  const orders = []
  for (let order = 0; order < ORDERS; order++) {
    orders.push(await database.query(`order:${customer * ORDERS + order}`)) // guilty
  }
  return orders
}

const server = http.createServer(async (_request, response) => {
  const orders = await ordersOf(customers++)
  response.end(JSON.stringify(orders))
})
server.listen(Number(process.env.PORT ?? 0))
