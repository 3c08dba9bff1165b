'use strict'

// Logins that fill the four threads of libuv's pool, for which the file system and DNS wait, too.

const { pbkdf2 } = require('node:crypto')
const { readFile } = require('node:fs/promises')
const http = require('node:http')
const { promisify } = require('node:util')

const deriveKey = promisify(pbkdf2)

const server = http.createServer(async (request, response) => {
  if (request.url === '/page') {
    response.end(await readFile(__filename))
    return
  }
  const key = await deriveKey('password', 'salt', 60_000, 32, 'sha256') // guilty
  response.end(key.toString('hex'))
})
server.listen(Number(process.env.PORT ?? 0))
