// lru-cache with its own loads, which callers share. The key changes every fifty requests.

import http from 'node:http'
import { LRUCache } from 'lru-cache'
import { connect } from 'slow-database'

const database = connect()
/** @type {LRUCache<string, Awaited<ReturnType<typeof database.query>>>} */
const rows = new LRUCache({ max: 100, fetchMethod: key => database.query(key) })
let requests = 0

const server = http.createServer(async (_request, response) => {
  const row = await rows.fetch(`row:${Math.floor(requests++ / 50)}`)
  response.end(row.key)
})
server.listen(Number(process.env.PORT ?? 0))
