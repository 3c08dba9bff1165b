'use strict'

// n2: a map of promises, counters that are read and set in one go, and queries that are all different.

const http = require('node:http')
const { connect } = require('slow-database')

const database = connect()
const cache = new Map()
/** @type {Map<string, number>} */
const counts = new Map()
let requests = 0

/** @param {string} id */
function load(id) {
  let session = cache.get(id)
  if (session === undefined) {
    session = database.query(`session:${id}`)
    cache.set(id, session)
  }
  return session
}

setInterval(() => cache.clear(), 500)

const server = http.createServer(async (request, response) => {
  const url = request.url ?? ''
  counts.set(url, (counts.get(url) ?? 0) + 1)
  await load('42')
  await database.query(`unique:${requests++}`)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
