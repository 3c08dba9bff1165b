'use strict'

// A command that the loop waits for, without using the processor.

const { execFileSync } = require('node:child_process')
const http = require('node:http')

function diskUsage() {
  return execFileSync('sleep', ['0.04'], { encoding: 'utf8' }) // guilty
}

const server = http.createServer((_request, response) => {
  response.end(`usage: ${diskUsage()}`)
})
server.listen(Number(process.env.PORT ?? 0))
