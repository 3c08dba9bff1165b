'use strict'

// Users who enter, and never leave: the function that removes them does not run.

const { randomUUID } = require('node:crypto')
const http = require('node:http')

/** @type {Map<string, object>} */
const present = new Map()

/** @param {string} user */
function enter(user) {
  const seen = Array.from({ length: 20 }, Math.random)
  present.set(user, { user, since: new Date(), rooms: ['lobby', 'news'], seen }) // guilty
}

/** @param {string} user */
function leave(user) {
  present.delete(user)
}

const server = http.createServer((request, response) => {
  if (request.url === '/logout') leave(String(request.headers.authorization))
  else enter(randomUUID())
  setTimeout(() => response.end(String(present.size)), 2)
})
server.listen(Number(process.env.PORT ?? 0))
