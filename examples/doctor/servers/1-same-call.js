'use strict'

// Every request asks a service for the same settings, although other requests wait for them already.

const http = require('node:http')
const { text } = require('node:stream/consumers')
const { start } = require('slow-service')

const service = start()
const agent = new http.Agent({ keepAlive: true })

/**
 * @param {string} url
 * @returns {Promise<string>}
 */
function get(url) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, answer => resolve(text(answer))) // guilty
    request.on('error', reject)
  })
}

const server = http.createServer(async (_request, response) => {
  response.end(await get(`${await service}/settings`))
})
server.listen(Number(process.env.PORT ?? 0))
