'use strict'

// The command of 6-exec-sync.js, asynchronous and shared by the requests of a second.

const { execFile } = require('node:child_process')
const http = require('node:http')
const { promisify } = require('node:util')

const run = promisify(execFile)
const current = { until: 0, usage: Promise.resolve('') }

function diskUsage() {
  if (Date.now() < current.until) return current.usage
  current.until = Date.now() + 1000
  current.usage = run('sleep', ['0.04']).then(({ stdout }) => stdout)
  return current.usage
}

const server = http.createServer(async (_request, response) => {
  response.end(`usage: ${await diskUsage()}`)
})
server.listen(Number(process.env.PORT ?? 0))
