'use strict'

// Small compressed pages, each after a query.

const http = require('node:http')
const { pipeline } = require('node:stream/promises')
const { Readable } = require('node:stream')
const { constants, createGzip } = require('node:zlib')
const { connect } = require('slow-database')

const database = connect()
const page = '<p>one paragraph of a page</p>\n'.repeat(100)
let requests = 0

const server = http.createServer(async (_request, response) => {
  const { key } = await database.query(`page:${requests++}`)
  response.setHeader('content-encoding', 'gzip')
  const source = Readable.from([key, page])
  await pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), response).catch(() => {})
})
server.listen(Number(process.env.PORT ?? 0))
