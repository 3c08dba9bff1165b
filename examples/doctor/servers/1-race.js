'use strict'

// t1: each request that misses the map loads the session, until the first one has set it.

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
  if (!sessionCache.has(userId)) {
    const session = await createSession(userId)
    sessionCache.set(userId, session) // guilty
  }
  return sessionCache.get(userId)
}

setInterval(() => sessionCache.clear(), 250)

const server = http.createServer(async (request, response) => {
  const session = await login(request.url ?? '')
  response.end(session.key)
})
server.listen(Number(process.env.PORT ?? 0))
