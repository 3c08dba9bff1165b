'use strict'

// The prices of 1-race-expired.js: callers of one product share its load.

const http = require('node:http')
const { connect } = require('slow-database')
const { ExpiringMap } = require('../support/expiring-map')

const database = connect()
const prices = new ExpiringMap(150)
/** @type {Map<string, Promise<object>>} */
const loads = new Map()

/** @param {string} product */
async function load(product) {
  const { rows } = await database.query(`price:${product}`)
  const price = { product, cents: rows.length * 100 }
  prices.set(product, price)
  return price
}

/** @param {string} product */
function priceOf(product) {
  const known = prices.get(product)
  if (known !== undefined) return known
  const shared = loads.get(product) ?? load(product).finally(() => loads.delete(product))
  loads.set(product, shared)
  return shared
}

const server = http.createServer(async (request, response) => {
  response.end(JSON.stringify(await priceOf(request.url ?? '')))
})
server.listen(Number(process.env.PORT ?? 0))
