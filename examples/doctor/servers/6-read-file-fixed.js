'use strict'

// The files of 6-read-file-sync.js, read once.

const { readFile } = require('node:fs/promises')
const http = require('node:http')

/** @type {string[]} */
const paths = new Array(1500).fill(__filename)
const total = size()

async function size() {
  let bytes = 0
  for (const path of paths) bytes += (await readFile(path)).length
  return bytes
}

const server = http.createServer(async (_request, response) => {
  response.end(String(await total))
})
server.listen(Number(process.env.PORT ?? 0))
