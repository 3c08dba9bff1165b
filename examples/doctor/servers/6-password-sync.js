'use strict'

// A password is hashed on the loop.

const { scryptSync } = require('node:crypto')
const http = require('node:http')

/** @param {string} password */
function hash(password) {
  return scryptSync(password, 'salt', 32) // guilty
}

const server = http.createServer((request, response) => {
  response.end(hash(request.url ?? '').toString('hex'))
})
server.listen(Number(process.env.PORT ?? 0))
