'use strict'

// A child process for each request.

const { execFile } = require('node:child_process')
const http = require('node:http')

/** @returns {Promise<string>} */
function today() {
  return new Promise((resolve, reject) => {
    execFile('date', ['+%F'], (error, stdout) => (error === null ? resolve(stdout) : reject(error))) // guilty
  })
}

const server = http.createServer(async (_request, response) => {
  response.end(await today())
})
server.listen(Number(process.env.PORT ?? 0))
