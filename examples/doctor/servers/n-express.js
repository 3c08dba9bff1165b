'use strict'

// Express: middleware, a JSON body, a query for each request.

const express = require('express')
const { connect } = require('slow-database')

const database = connect()
const app = express()
let orders = 0

app.use(express.json())

app.use((_request, response, next) => {
  response.set('x-order', String(orders++))
  next()
})

app.post('/orders', async (request, response) => {
  const { rows } = await database.query(`order:${orders}`)
  response.json({ ...request.body, rows })
})

app.listen(Number(process.env.PORT ?? 0))
