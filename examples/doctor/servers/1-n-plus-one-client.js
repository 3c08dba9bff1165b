'use strict'

// One query for each order, each after the answer of the one before, by a client that is part of the program.

const http = require('node:http')
const { connect } = require('../support/text-client')

const ORDERS = 12
const client = connect()
let customers = 0

/** @param {number} id */
async function orderOf(id) {
  const order = await (await client).get(`order:${id}`)
  return { id, ...order }
}

/** @param {number} customer */
async function ordersOf(customer) {
  const orders = []
  for (let order = 0; order < ORDERS; order++) {
    orders.push(await orderOf(customer * ORDERS + order)) // guilty
  }
  return orders
}

const server = http.createServer(async (_request, response) => {
  response.end(JSON.stringify(await ordersOf(customers++)))
})
server.listen(Number(process.env.PORT ?? 0))
