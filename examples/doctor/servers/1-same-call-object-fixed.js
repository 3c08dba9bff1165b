'use strict'

// The settings of 1-same-call-object.js: the variable holds the promise of their load.

const http = require('node:http')
const { connect } = require('../support/text-client')

const client = connect()
/** @type {{ settings: Promise<object> | undefined, expires: number }} */
const cache = { settings: undefined, expires: 0 }

async function load() {
  const settings = await (await client).get('settings')
  cache.expires = Date.now() + 100
  return settings
}

function settings() {
  if (cache.settings === undefined || cache.expires < Date.now()) {
    cache.expires = Number.POSITIVE_INFINITY
    cache.settings = load()
  }
  return cache.settings
}

const server = http.createServer(async (_request, response) => {
  response.end(JSON.stringify(await settings()))
})
server.listen(Number(process.env.PORT ?? 0))
