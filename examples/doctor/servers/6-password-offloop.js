'use strict'

// The passwords of 6-password-sync.js, hashed on a thread.

const http = require('node:http')
const { Pool, transforms } = require('offloop')

const pool = new Pool({ threads: 1 })
const hash = transforms.hashPassword()

const server = http.createServer(async (request, response) => {
  response.end(await pool.run(hash, request.url ?? ''))
})
server.listen(Number(process.env.PORT ?? 0))
