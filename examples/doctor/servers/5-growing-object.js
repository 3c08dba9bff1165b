'use strict'

// A dictionary by an id that is new for each visit, from which nothing is deleted.

const { randomUUID } = require('node:crypto')
const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

/** @type {Record<string, { path: string, steps: number[] }>} */
const visits = {}

/** @param {string} path */
function visit(path) {
  visits[randomUUID()] = { path, steps: Array.from({ length: 500 }, (_, step) => step / 3) } // guilty
}

const server = http.createServer(async (request, response) => {
  visit(request.url ?? '')
  await sleep(20)
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
