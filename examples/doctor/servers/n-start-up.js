'use strict'

// Work at the start, before the server listens.

const http = require('node:http')

/** @type {Map<string, number>} */
const index = new Map()
for (let id = 0; id < 300_000; id++) index.set(`/${id.toString(36)}`, Math.sqrt(id))

const server = http.createServer((request, response) => response.end(String(index.get(request.url ?? ''))))
server.listen(Number(process.env.PORT ?? 0))
