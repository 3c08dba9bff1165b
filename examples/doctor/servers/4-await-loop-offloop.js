'use strict'

// The validation of 4-await-loop.js on the pool's threads.

const http = require('node:http')
const { pool, transforms } = require('offloop')

const USERS = Array.from({ length: 3000 }, (_, index) => ({ name: `user${index}`, email: `u${index}@example.com` }))
const text = JSON.stringify(USERS)
const validate = transforms.json.validateEach({
  type: 'object',
  properties: { name: { type: 'string', maxLength: 60 }, email: { type: 'string', pattern: '^[^@]+@[^@]+$' } },
  required: ['name', 'email']
})

const server = http.createServer(async (_request, response) => {
  const { valid } = await pool.run(validate, text)
  response.end(String(valid))
})
server.listen(Number(process.env.PORT ?? 0))
