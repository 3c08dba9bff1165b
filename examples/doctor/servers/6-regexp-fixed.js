'use strict'

// The comments of 6-regexp.js without backtracking.

const http = require('node:http')

const comment = `${'a'.repeat(100)}${' '.repeat(7000)}b`

/** @param {string} text */
function trim(text) {
  return text.trimEnd()
}

const server = http.createServer((_request, response) => {
  response.end(String(trim(comment).length))
})
server.listen(Number(process.env.PORT ?? 0))
