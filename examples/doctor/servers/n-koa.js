'use strict'

// Koa: middleware around a handler with a query for each request.

const Koa = require('koa')
const { connect } = require('slow-database')

const database = connect()
const app = new Koa()
let requests = 0

app.use(async (context, next) => {
  const began = performance.now()
  await next()
  context.set('x-response-time', `${performance.now() - began}`)
})

app.use(async context => {
  context.body = await database.query(`item:${requests++}`)
})

app.listen(Number(process.env.PORT ?? 0))
