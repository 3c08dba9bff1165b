'use strict'

// A text like that of 6-json-parse.js, scanned on a thread and built in slices.

const http = require('node:http')
const { pool, transforms } = require('offloop')

const READINGS = 50_000
const text = JSON.stringify(Array.from({ length: READINGS }, (_, second) => (second * 7919) % 9973))
/** @type {import('offloop').PoolTransform<string, number[]>} */
const parse = transforms.json.parse()

const server = http.createServer(async (_request, response) => {
  const readings = await pool.run(parse, text)
  response.end(String(readings.length))
})
server.listen(Number(process.env.PORT ?? 0))
