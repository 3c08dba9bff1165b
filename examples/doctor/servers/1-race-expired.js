'use strict'

// Each request that finds an expired value deletes it and loads another. The methods of the cache are in another file.

const http = require('node:http')
const { connect } = require('slow-database')
const { ExpiringMap } = require('../support/expiring-map')

const database = connect()
const prices = new ExpiringMap(150)

/** @param {string} product */
async function priceOf(product) {
  const known = prices.get(product)
  if (known !== undefined) return known
  const { rows } = await database.query(`price:${product}`)
  const price = { product, cents: rows.length * 100 }
  prices.set(product, price) // guilty
  return price
}

const server = http.createServer(async (request, response) => {
  response.end(JSON.stringify(await priceOf(request.url ?? '')))
})
server.listen(Number(process.env.PORT ?? 0))
