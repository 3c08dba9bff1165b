// HTTP/2: streams with a query for each, in an ES module.

import http2 from 'node:http2'
import { connect } from 'slow-database'

const database = connect()
let requests = 0

const server = http2.createServer()
server.on('stream', async stream => {
  const { key } = await database.query(`row:${requests++}`)
  if (stream.destroyed) return
  stream.respond({ ':status': 200 })
  stream.end(key)
})
server.listen(Number(process.env.PORT ?? 0))
