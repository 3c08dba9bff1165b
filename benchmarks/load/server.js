'use strict'

// node server.js <naive | offloop>: a Fastify server that compresses a document of 1 MB for each request, on the event loop or
// off it. The parent process sends the commands below.

const { gzipSync } = require('node:zlib')
const fastify = require('fastify')
const { transforms } = require('../..')
const { answer } = require('../../examples/traps/child.js')
const { pages } = require('../../examples/traps/data.js')
const offloop = require('../../fastify')
const { MAX_QUEUE, MAX_WAIT } = require('./server-limits.js')

const EARLY = 5000

const isNaive = process.argv[2] === 'naive'
const [document] = pages(1, 10_000).map(page => Buffer.from(JSON.stringify(page)))
const gzip = transforms.gzip({ level: 6 })

const app = fastify()
app.register(offloop, { pool: { maxQueue: MAX_QUEUE, maxWait: MAX_WAIT } })
app.get('/', async (_request, reply) => {
  const body = isNaive
    ? gzipSync(document, { level: 6 })
    : await app.offloop.pool.run(gzip, document, { signal: reply.signal })
  return reply.headers({ 'content-type': 'application/json', 'content-encoding': 'gzip' }).send(body)
})

let early = 0
/** @type {NodeJS.Timeout | undefined} */
let timer

answer({
  /** @returns {Promise<number>} the port */
  async listen() {
    await app.listen({ port: 0, host: '127.0.0.1' })
    return /** @type {import('node:net').AddressInfo} */ (app.server.address()).port
  },

  begin() {
    // Collects the structures that the document was made from.
    globalThis.gc?.()
    app.offloop.pool.stats({ reset: true })
    timer = setTimeout(() => {
      early = process.memoryUsage.rss() / 1e6
    }, EARLY)
  },

  end() {
    clearTimeout(timer)
    const late = process.memoryUsage.rss() / 1e6
    const memory = { 'memory after 5 s': early, 'memory at the end': late, 'memory growth': late / early }
    if (isNaive) return memory
    return { ...memory, 'longest wait in the queue': app.offloop.pool.stats().waitTime.max }
  }
})
