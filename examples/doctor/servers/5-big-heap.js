'use strict'

// A large table that is loaded at the start and looked up in requests.

const http = require('node:http')

const ROWS = 400_000
/** @type {Map<string, { id: number, name: string, tags: string[] }>} */
const table = new Map()
for (let id = 0; id < ROWS; id++) table.set(`/${id}`, { id, name: `row ${id}`, tags: ['a', 'b'] })

const server = http.createServer((request, response) => {
  const row = table.get(request.url ?? '')
  response.end(JSON.stringify(row ?? null))
})
server.listen(Number(process.env.PORT ?? 0))
