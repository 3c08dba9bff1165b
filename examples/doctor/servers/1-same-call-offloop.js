'use strict'

// The settings of 1-same-call.js: requests share a call and its answer.

const http = require('node:http')
const { text } = require('node:stream/consumers')
const { Cache } = require('offloop')
const { start } = require('slow-service')

const service = start()
const agent = new http.Agent({ keepAlive: true })
const answers = new Cache({ max: 100, ttl: 100, load: get })

/**
 * @param {string} path
 * @returns {Promise<string>}
 */
async function get(path) {
  const url = `${await service}${path}`
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, answer => resolve(text(answer)))
    request.on('error', reject)
  })
}

const server = http.createServer(async (_request, response) => {
  response.end(await answers.get('/settings'))
})
server.listen(Number(process.env.PORT ?? 0))
