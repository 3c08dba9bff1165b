'use strict'

// Settings that are loaded again and again in the background, while requests read those that are known.

const http = require('node:http')
const { connect } = require('slow-database')

const PERIOD = 100
const database = connect()
const settings = new Map([['theme', {}]])
let version = 0

async function refresh() {
  for (const name of settings.keys()) settings.set(name, await database.query(`setting:${name}:${version++}`))
  setTimeout(refresh, PERIOD)
}

refresh()

const server = http.createServer((_request, response) => {
  response.end(JSON.stringify(settings.get('theme')))
})
server.listen(Number(process.env.PORT ?? 0))
