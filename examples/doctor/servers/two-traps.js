'use strict'

// Two traps in one program: a listener for each request, and a report that holds the loop.

const { EventEmitter } = require('node:events')
const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const settings = new EventEmitter()
const words = 'the quick brown fox jumps over the lazy dog '.repeat(60_000).split(' ')

/** @param {{ theme: string }} page */
function watchSettings(page) {
  settings.on('change', theme => Object.assign(page, { theme })) // guilty
}

function frequencies() {
  /** @type {Record<string, number>} */
  const counts = {}
  for (const word of words) for (const letter of word) counts[letter] = (counts[letter] ?? 0) + 1 // guilty
  return counts
}

const server = http.createServer(async (request, response) => {
  watchSettings({ theme: 'dark' })
  await sleep(20)
  response.end(request.url === '/report' ? JSON.stringify(frequencies()) : 'ok')
})
server.listen(Number(process.env.PORT ?? 0))
