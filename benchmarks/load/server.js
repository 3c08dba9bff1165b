'use strict'

// node server.js <contender>: a Fastify server that compresses a document of 1 MB for each request, on the event loop or off
// it, and answers /ping immediately. The parent process sends the commands below.

const { availableParallelism } = require('node:os')
const { promisify } = require('node:util')
const { gzip: libuvGzip, gzipSync } = require('node:zlib')
const fastify = require('fastify')
const { transforms } = require('../..')
const { answer } = require('../../examples/traps/child.js')
const { pages } = require('../../examples/traps/data.js')
const offloop = require('../../fastify')
const { piscina } = require('../contenders/pools.js')
const { MAX_QUEUE, MAX_WAIT } = require('./server-limits.js')

const EARLY = 5000

const LEVEL = 6

const [name] = process.argv.slice(2)
const [document] = pages(1, 10_000).map(page => Buffer.from(JSON.stringify(page)))

const app = fastify()
app.register(offloop, { pool: { maxQueue: MAX_QUEUE, maxWait: MAX_WAIT } })

/** @type {Record<string, () => (signal: AbortSignal) => PromiseLike<Buffer> | Buffer>} */
const CONTENDERS = {
  naive: () => () => gzipSync(document, { level: LEVEL }),
  'zlib.gzip'() {
    const gzip = promisify(libuvGzip)
    return () => gzip(document, { level: LEVEL })
  },
  piscina() {
    const pool = piscina('gzip.js', availableParallelism())
    return async () => {
      const { buffer, byteOffset, byteLength } = /** @type {Uint8Array} */ (await pool.run(document))
      return Buffer.from(buffer, byteOffset, byteLength)
    }
  },
  offloop() {
    const gzip = transforms.gzip({ level: LEVEL })
    return signal => app.offloop.pool.run(gzip, document, { signal })
  }
}

const compress = CONTENDERS[name]()
app.get('/', async (_request, reply) => {
  const body = await compress(reply.signal)
  return reply.headers({ 'content-type': 'application/json', 'content-encoding': 'gzip' }).send(body)
})
app.get('/ping', async () => 'pong')

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
    timer = setTimeout(() => {
      early = process.memoryUsage.rss() / 1e6
    }, EARLY)
  },

  end() {
    clearTimeout(timer)
    const late = process.memoryUsage.rss() / 1e6
    const memory = { 'memory after 5 s': early, 'memory at the end': late, 'memory growth': late / early }
    if (name !== 'offloop') return memory
    return { ...memory, 'longest wait in the queue': app.offloop.pool.stats().waitTime.max }
  }
})
