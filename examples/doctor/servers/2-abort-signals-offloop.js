'use strict'

// Each request runs a task with the signal that ends the server: the pool listens once for all of them.

const http = require('node:http')
const { pool, transforms } = require('offloop')

const shutdown = new AbortController()
const digest = transforms.digest('sha256', { encoding: 'hex' })
let requests = 0

const server = http.createServer(async (_request, response) => {
  response.end(await pool.run(digest, `row ${requests++}`, { signal: shutdown.signal }))
})
server.listen(Number(process.env.PORT ?? 0))
