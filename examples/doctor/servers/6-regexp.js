'use strict'

// A regular expression that backtracks: quadratic in the spaces of a comment.

const http = require('node:http')

const TRAILING_SPACE = /\s+$/
const comment = `${'a'.repeat(100)}${' '.repeat(7000)}b`

/** @param {string} text */
function trim(text) {
  return text.replace(TRAILING_SPACE, '') // guilty
}

const server = http.createServer((_request, response) => {
  response.end(String(trim(comment).length))
})
server.listen(Number(process.env.PORT ?? 0))
