'use strict'

// Fastify: hooks, a decorated request, a response schema, a query for each request.

const { fastify } = require('fastify')
const { connect } = require('slow-database')

const database = connect()
const app = fastify()
let requests = 0

app.addHook('onRequest', async (_request, reply) => {
  reply.header('x-request', String(requests++))
})

const schema = {
  response: { 200: { type: 'object', properties: { rows: { type: 'array', items: { type: 'number' } } } } }
}

app.get('/items/:id', { schema }, async () => database.query(`item:${requests}`))

app.listen({ port: Number(process.env.PORT ?? 0) })
