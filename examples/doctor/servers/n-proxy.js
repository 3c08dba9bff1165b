'use strict'

// A proxy on connections that are kept alive: each call is different.

const http = require('node:http')
const { pipeline } = require('node:stream')
const { start } = require('slow-service')

const service = start()
const agent = new http.Agent({ keepAlive: true, maxSockets: 50 })
let requests = 0

const server = http.createServer(async (request, response) => {
  const url = `${await service}${request.url}?request=${requests++}`
  const call = http.get(url, { agent }, answer => {
    response.writeHead(answer.statusCode ?? 502)
    pipeline(answer, response, () => {})
  })
  call.on('error', () => response.writeHead(502).end())
})
server.listen(Number(process.env.PORT ?? 0))
