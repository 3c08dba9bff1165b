'use strict'

// The logins of 1-race.js: the map holds promises, so that callers of one user share a load.

const http = require('node:http')
const { connect } = require('slow-database')

const database = connect()
const sessionCache = new Map()

/** @param {string} userId */
function createSession(userId) {
  return database.query(`session:${userId}`)
}

/** @param {string} userId */
async function login(userId) {
  if (!sessionCache.has(userId)) sessionCache.set(userId, createSession(userId))
  return sessionCache.get(userId)
}

setInterval(() => sessionCache.clear(), 250)

const server = http.createServer(async (request, response) => {
  const session = await login(request.url ?? '')
  response.end(session.key)
})
server.listen(Number(process.env.PORT ?? 0))
