'use strict'

// A server with more work than its pool takes: what clients are told, and who decides it.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { connect } = require('node:net')
const { test } = require('node:test')
const { Pool, transforms } = require('../..')
const offloop = require('../../fastify')
const { occupy } = require('../support/occupy.js')
const { listen, server } = require('../support/servers.js')

const identity = transforms.identity()

/**
 * A server whose pool has no thread left.
 * @param {import('node:test').TestContext} t
 * @param {import('../../index.js').PoolOptions} [limits]
 * @param {number} [retryAfter]
 */
async function busyServer(t, limits = { maxQueue: 0 }, retryAfter) {
  const pool = new Pool({ threads: 1, ...limits })
  const app = server(t)
  app.register(offloop, { pool, retryAfter })
  const run = () => pool.run(identity, 'x')
  app.get('/run', run)
  const { release } = await occupy(pool)
  t.after(async () => {
    await release()
    await pool.close()
  })
  return { app, pool, run, release }
}

/** @param {Response} response */
const told = async response => {
  const { code } = /** @type {{ code?: string }} */ (await response.json())
  return [response.status, response.headers.get('retry-after'), code]
}

test('a full pool is 503 with Retry-After', async t => {
  const { app, release } = await busyServer(t)
  const ask = await listen(app)
  assert.deepEqual(await told(await ask('/run')), [503, '1', 'ERR_OFFLOOP_QUEUE_FULL'])
  await release()
  assert.equal(await (await ask('/run')).text(), 'x')
})

test('a task that waited longer than maxWait is 503 with Retry-After', async t => {
  const { app } = await busyServer(t, { maxWait: 5 }, 30)
  const ask = await listen(app)
  assert.deepEqual(await told(await ask('/run')), [503, '30', 'ERR_OFFLOOP_QUEUE_TIMEOUT'])
})

test('so it is where the error is the cause of another', async t => {
  const { app, run } = await busyServer(t)
  app.get('/wrapped', () =>
    run().catch(cause => {
      throw Object.assign(new Error('no report today', { cause }), {
        code: 'ERR_REPORT',
        headers: { 'x-report': 'none' }
      })
    })
  )
  app.get('/circle', () => {
    const circle = new Error('round and round')
    circle.cause = circle
    throw circle
  })
  const ask = await listen(app)
  const response = await ask('/wrapped')
  assert.equal(response.headers.get('x-report'), 'none')
  assert.deepEqual(await told(response), [503, '1', 'ERR_REPORT'])
  assert.deepEqual(await told(await ask('/circle')), [500, null, undefined])
})

test('other errors, and those that have a status, stay as they are', async t => {
  const { app, run } = await busyServer(t)
  app.get('/mine', () =>
    run().catch(error => {
      throw Object.assign(error, { statusCode: 429 })
    })
  )
  app.get('/bug', () => transforms.gzip({ level: 99 }))
  const ask = await listen(app)
  assert.deepEqual(await told(await ask('/mine')), [429, null, 'ERR_OFFLOOP_QUEUE_FULL'])
  assert.equal((await ask('/bug')).status, 500)
})

test("the application's own error handler decides, and is told what offloop would say", async t => {
  const { app, run } = await busyServer(t)
  /** @type {any} */
  let seen
  app.setErrorHandler((error, _request, reply) => {
    seen = error
    reply.code(418).send({ code: 'MINE' })
  })
  app.register(async inner => {
    inner.setErrorHandler((error, _request, reply) => reply.send(error))
    inner.get('/passed-on', run)
  })
  const ask = await listen(app)
  assert.deepEqual(await told(await ask('/run')), [418, null, 'MINE'])
  assert.deepEqual([seen.code, seen.statusCode, seen.headers], ['ERR_OFFLOOP_QUEUE_FULL', 503, { 'retry-after': '1' }])
  // What is passed on goes to the handler around it.
  assert.deepEqual(await told(await ask('/passed-on')), [418, null, 'MINE'])
})

test('a handler that passes the error on gets its answer', async t => {
  const { app } = await busyServer(t)
  app.setErrorHandler((error, _request, reply) => reply.send(error))
  const ask = await listen(app)
  assert.deepEqual(await told(await ask('/run')), [503, '1', 'ERR_OFFLOOP_QUEUE_FULL'])
})

test('routes say what the plugin around them that is nearest says', async t => {
  const { app } = await busyServer(t, { maxQueue: 0 }, 5)
  app.register(async inner => {
    inner.register(offloop, { pool: app.offloop.pool, retryAfter: 9 })
    inner.get('/inner', () => inner.offloop.pool.run(identity, 'x'))
  })
  const ask = await listen(app)
  assert.deepEqual(await told(await ask('/run')), [503, '5', 'ERR_OFFLOOP_QUEUE_FULL'])
  assert.deepEqual(await told(await ask('/inner')), [503, '9', 'ERR_OFFLOOP_QUEUE_FULL'])
})

test('refuseWhenFull answers before the body is there, and lets through while there is room', async t => {
  const { app, pool, release } = await busyServer(t)
  app.after(() => {
    app.post('/upload', { onRequest: app.offloop.refuseWhenFull }, request => pool.run(identity, String(request.body)))
  })
  const ask = await listen(app)
  const { port } = /** @type {import('node:net').AddressInfo} */ (app.server.address())
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /upload HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\n')
  const [head] = await once(socket, 'data')
  socket.destroy()
  assert.match(String(head), /^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n/s)
  assert.match(String(head), /"code":"ERR_OFFLOOP_QUEUE_FULL"/)
  assert.equal(pool.stats().rejected, 1)
  await release()
  assert.equal(await (await ask('/upload', { method: 'POST', body: 'now' })).text(), 'now')
})

test('refuseWhenFull goes by bytes too', async t => {
  const { app, pool } = await busyServer(t, { maxQueue: 10, maxQueueBytes: 100 })
  app.after(() => app.get('/early', { onRequest: app.offloop.refuseWhenFull }, async () => 'let through'))
  const ask = await listen(app)
  assert.equal(await (await ask('/early')).text(), 'let through')
  const gone = new AbortController()
  const left = 100 - pool.stats().queuedBytes
  const waits = pool.run(identity, Buffer.alloc(left), { signal: gone.signal })
  assert.deepEqual(await told(await ask('/early')), [503, '1', 'ERR_OFFLOOP_QUEUE_FULL'])
  gone.abort()
  await assert.rejects(waits, { name: 'AbortError' })
})
