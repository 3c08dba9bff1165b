'use strict'

// Settings in a variable that expires: all requests that wait for new ones load them, by a client that is part of the program.

const http = require('node:http')
const { connect } = require('../support/text-client')

const client = connect()
const cache = { settings: undefined, expires: 0 }

async function settings() {
  if (cache.settings === undefined || cache.expires < Date.now()) {
    cache.settings = await (await client).get('settings') // guilty
    cache.expires = Date.now() + 100
  }
  return cache.settings
}

const server = http.createServer(async (_request, response) => {
  response.end(JSON.stringify(await settings()))
})
server.listen(Number(process.env.PORT ?? 0))
