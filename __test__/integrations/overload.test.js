'use strict'

// Responses of a server whose pool is full.

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
 * Creates a server whose pool has all threads occupied.
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
const summary = async response => {
  const { code } = /** @type {{ code?: string }} */ (await response.json())
  return [response.status, response.headers.get('retry-after'), code]
}

test('a full pool responds with 503 and Retry-After', async t => {
  const { app, release } = await busyServer(t)
  const request = await listen(app)
  assert.deepEqual(await summary(await request('/run')), [503, '1', 'ERR_OFFLOOP_QUEUE_FULL'])
  await release()
  assert.equal(await (await request('/run')).text(), 'x')
})

test('a task that exceeds maxWait responds with 503 and Retry-After', async t => {
  const { app } = await busyServer(t, { maxWait: 50 }, 30)
  const request = await listen(app)
  assert.deepEqual(await summary(await request('/run')), [503, '30', 'ERR_OFFLOOP_QUEUE_TIMEOUT'])
})

test('recognises the error as the cause of another', async t => {
  const { app, run } = await busyServer(t)
  app.get('/wrapped', () =>
    run().catch(cause => {
      throw Object.assign(new Error('no report today', { cause }), {
        code: 'ERR_REPORT',
        headers: { 'x-report': 'none' }
      })
    })
  )
  app.get('/cyclic', () => {
    const cyclic = new Error('cyclic')
    cyclic.cause = cyclic
    throw cyclic
  })
  const request = await listen(app)
  const response = await request('/wrapped')
  assert.equal(response.headers.get('x-report'), 'none')
  assert.deepEqual(await summary(response), [503, '1', 'ERR_REPORT'])
  assert.deepEqual(await summary(await request('/cyclic')), [500, null, undefined])
})

test('does not change other errors or errors with a status', async t => {
  const { app, run } = await busyServer(t)
  app.get('/own-status', () =>
    run().catch(error => {
      throw Object.assign(error, { statusCode: 429 })
    })
  )
  app.get('/bug', () => transforms.gzip({ level: 99 }))
  const request = await listen(app)
  assert.deepEqual(await summary(await request('/own-status')), [429, null, 'ERR_OFFLOOP_QUEUE_FULL'])
  assert.equal((await request('/bug')).status, 500)
})

test("the application's error handler decides, and receives the suggested status and headers", async t => {
  const { app, run } = await busyServer(t)
  /** @type {any} */
  let received
  app.setErrorHandler((error, _request, reply) => {
    received = error
    reply.code(418).send({ code: 'CUSTOM' })
  })
  app.register(async inner => {
    inner.setErrorHandler((error, _request, reply) => reply.send(error))
    inner.get('/forwarded', run)
  })
  const request = await listen(app)
  assert.deepEqual(await summary(await request('/run')), [418, null, 'CUSTOM'])
  assert.deepEqual(
    [received.code, received.statusCode, received.headers],
    ['ERR_OFFLOOP_QUEUE_FULL', 503, { 'retry-after': '1' }]
  )
  // A forwarded error reaches the outer handler.
  assert.deepEqual(await summary(await request('/forwarded')), [418, null, 'CUSTOM'])
})

test('an error handler that forwards the error sends the same response', async t => {
  const { app } = await busyServer(t)
  app.setErrorHandler((error, _request, reply) => reply.send(error))
  const request = await listen(app)
  assert.deepEqual(await summary(await request('/run')), [503, '1', 'ERR_OFFLOOP_QUEUE_FULL'])
})

test('routes use the retryAfter of the nearest plugin', async t => {
  const { app } = await busyServer(t, { maxQueue: 0 }, 5)
  app.register(async inner => {
    inner.register(offloop, { pool: app.offloop.pool, retryAfter: 9 })
    inner.get('/inner', () => inner.offloop.pool.run(identity, 'x'))
  })
  const request = await listen(app)
  assert.deepEqual(await summary(await request('/run')), [503, '5', 'ERR_OFFLOOP_QUEUE_FULL'])
  assert.deepEqual(await summary(await request('/inner')), [503, '9', 'ERR_OFFLOOP_QUEUE_FULL'])
})

test('refuseWhenFull responds before the body arrives, and accepts requests while the pool has capacity', async t => {
  const { app, pool, release } = await busyServer(t)
  app.after(() => {
    app.post('/upload', { onRequest: app.offloop.refuseWhenFull }, request => pool.run(identity, String(request.body)))
  })
  const request = await listen(app)
  const { port } = /** @type {import('node:net').AddressInfo} */ (app.server.address())
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /upload HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\n')
  const [head] = await once(socket, 'data')
  socket.destroy()
  assert.match(String(head), /^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n/s)
  assert.match(String(head), /"code":"ERR_OFFLOOP_QUEUE_FULL"/)
  assert.equal(pool.stats().rejected, 1)
  await release()
  assert.equal(await (await request('/upload', { method: 'POST', body: 'now' })).text(), 'now')
})

test('refuseWhenFull considers queued bytes too', async t => {
  const { app, pool } = await busyServer(t, { maxQueue: 10, maxQueueBytes: 100 })
  app.after(() => app.get('/early', { onRequest: app.offloop.refuseWhenFull }, async () => 'accepted'))
  const request = await listen(app)
  assert.equal(await (await request('/early')).text(), 'accepted')
  const abort = new AbortController()
  const available = 100 - pool.stats().queuedBytes
  const waits = pool.run(identity, Buffer.alloc(available), { signal: abort.signal })
  assert.deepEqual(await summary(await request('/early')), [503, '1', 'ERR_OFFLOOP_QUEUE_FULL'])
  abort.abort()
  await assert.rejects(waits, { name: 'AbortError' })
})
