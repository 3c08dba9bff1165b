'use strict'

// The logins of 1-race.js: callers of one user share a load.

const http = require('node:http')
const { Cache } = require('offloop')
const { connect } = require('slow-database')

const database = connect()

const sessionCache = new Cache({ max: 10_000, ttl: 250, load: createSession })

/** @param {string} userId */
function createSession(userId) {
  return database.query(`session:${userId}`)
}

const server = http.createServer(async (request, response) => {
  const session = await sessionCache.get(request.url ?? '')
  response.end(session.key)
})
server.listen(Number(process.env.PORT ?? 0))
