'use strict'

// The logins of pool-wait-pbkdf2.js in a separate pool, which leaves libuv's to the file system.

const { readFile } = require('node:fs/promises')
const http = require('node:http')
const { Pool, transforms } = require('offloop')

const pool = new Pool({ threads: 1 })
const deriveKey = transforms.pbkdf2('sha256', Buffer.from('salt'), 60_000, 32)

const server = http.createServer(async (request, response) => {
  if (request.url === '/page') {
    response.end(await readFile(__filename))
    return
  }
  const key = await pool.run(deriveKey, 'password')
  response.end(Buffer.from(key).toString('hex'))
})
server.listen(Number(process.env.PORT ?? 0))
