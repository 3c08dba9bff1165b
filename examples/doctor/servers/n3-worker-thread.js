'use strict'

// n3: work in a thread that lives as long as the server. Its loop is busy by design.

const http = require('node:http')
const { Worker } = require('node:worker_threads')

const worker = new Worker(require.resolve('../support/thumbnail-worker.js'))
/** @type {Map<number, (thumbnail: string) => void>} */
const pending = new Map()
let tasks = 0

worker.on('message', ({ id, thumbnail }) => {
  pending.get(id)?.(thumbnail)
  pending.delete(id)
})

/**
 * @param {string} picture
 * @returns {Promise<string>}
 */
function thumbnail(picture) {
  return new Promise(resolve => {
    const id = tasks++
    pending.set(id, resolve)
    worker.postMessage({ id, picture })
  })
}

const server = http.createServer(async (request, response) => {
  response.end(await thumbnail(request.url ?? ''))
})
server.listen(Number(process.env.PORT ?? 0))
