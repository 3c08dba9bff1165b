'use strict'

// Closing servers and disconnecting clients.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { connect: connectHttp2, constants } = require('node:http2')
const { connect } = require('node:net')
const { test } = require('node:test')
const fastify = require('fastify')
const { Cache, Pool, pool, signalOf, transforms } = require('../..')
const offloop = require('../../fastify')
const { occupy } = require('../support/occupy.js')
const { deferred } = require('../support/deferred.js')
const { userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')
const { listen, server } = require('../support/servers.js')

const identity = transforms.identity()
const closed = { code: 'ERR_OFFLOOP_CLOSED' }

test('answers requests in flight before closing its pool and caches', async t => {
  const app = server(t)
  const shared = sharedWords()
  const closing = deferred()
  app.addHook('preClose', async () => closing.resolve(undefined))
  app.register(offloop, { pool: { threads: 1 }, caches: { pages: { max: 1 } } })
  app.get('/', async () => {
    await app.offloop.pool.run(userFunction('meet'), shared)
    // The second step must find both open.
    const page = await /** @type {any} */ (app.offloop.caches).pages.get('1', async () => 'page')
    return `${page} ${await app.offloop.pool.run(identity, 'after')}`
  })
  const request = await listen(app)
  const response = request('/')
  await waitForValue(shared, 0, 1)
  const shutdown = app.close()
  await closing.promise
  release(shared)
  assert.equal(await (await response).text(), 'page after')
  await shutdown
  await assert.rejects(app.offloop.pool.run(identity, 'x'), closed)
  await assert.rejects(/** @type {any} */ (app.offloop.caches).pages.get('1'), closed)
})

test('finishes background tasks before the server is closed', async t => {
  const app = server(t)
  const shared = sharedWords()
  app.register(offloop, { pool: { threads: 1 } })
  /** @type {Promise<unknown> | undefined} */
  let background
  app.get('/', async () => {
    background = app.offloop.pool.run(userFunction('meet'), shared)
    return 'answered'
  })
  const request = await listen(app)
  assert.equal(await (await request('/')).text(), 'answered')
  await waitForValue(shared, 0, 1)
  const closing = app.close().then(() => 'closed')
  release(shared)
  assert.equal(typeof (await background), 'number')
  assert.equal(await closing, 'closed')
})

test('leaves pools and caches passed by the user open, and the default pool', async t => {
  const userPool = new Pool({ threads: 1 })
  const users = new Cache({ max: 1 })
  t.after(() => userPool.close())
  const app = server(t)
  app.register(offloop, { pool: userPool, caches: { users } })
  app.register(async inner => {
    inner.register(offloop)
  })
  await listen(app)
  await app.close()
  assert.equal(String(await userPool.run(identity, 'open')), 'open')
  assert.equal(String(await pool.run(identity, 'open')), 'open')
  users.set('1', 'open')
  assert.equal(users.peek('1'), 'open')
})

test('a server that cannot start closes its pool', async t => {
  const app = server(t)
  app.register(offloop, { pool: { threads: 1 } })
  app.register(async () => {
    throw new Error('the database is down')
  })
  await assert.rejects(async () => app.ready(), { message: 'the database is down' })
  await app.close()
  await assert.rejects(app.offloop.pool.run(identity, 'x'), closed)
})

test('servers have separate pools, or share one by name', async t => {
  const [one, other, third] = [server(t), server(t), server(t)]
  one.register(offloop, { pool: { threads: 1 } })
  other.register(offloop, { pool: { threads: 1 } })
  third.register(offloop, { pool: { name: 'shared by name', threads: 1 } })
  const fourth = server(t).register(offloop, { pool: { name: 'shared by name' } })
  for (const app of [one, other, third, fourth]) app.get('/', () => app.offloop.pool.run(identity, 'ok'))
  const requests = await Promise.all([one, other, third, fourth].map(listen))
  for (const request of requests) assert.equal(await (await request('/')).text(), 'ok')
  await Promise.all([one.close(), third.close()])
  await assert.rejects(one.offloop.pool.run(identity, 'x'), closed)
  for (const request of [requests[1], requests[3]]) assert.equal(await (await request('/')).text(), 'ok')
  assert.equal(fourth.offloop.pool.stats().completed, 3)
})

/**
 * Starts the server with all threads occupied, until `release` is called or the server closes.
 * @param {import('fastify').FastifyInstance} app
 */
async function listenBusy(app) {
  let release = async () => {}
  app.addHook('preClose', () => release())
  const request = await listen(app)
  release = (await occupy(app.offloop.pool)).release
  return { request, release }
}

/**
 * Starts a server whose task waits in the queue because the only thread is occupied.
 * @param {import('node:test').TestContext} t
 * @param {'GET' | 'POST'} method
 */
async function waiting(t, method) {
  const app = server(t)
  app.register(offloop, { pool: { threads: 1 } })
  /** @type {ReturnType<typeof deferred<any>>} */
  const ended = deferred()
  const entered = deferred()
  app.route({
    method,
    url: '/',
    async handler(_request, reply) {
      const task = app.offloop.pool.run(identity, 'done', { signal: reply.signal })
      entered.resolve(undefined)
      task.then(ended.resolve, ended.resolve)
      return task
    }
  })
  const { request, release } = await listenBusy(app)
  return { app, request, ended: ended.promise, entered: entered.promise, release }
}

for (const method of /** @type {const} */ (['GET', 'POST'])) {
  const init = { method, ...(method === 'POST' ? { body: 'a body' } : {}) }

  test(`a disconnected client removes its task from the queue: ${method}`, async t => {
    const { app, request, ended, entered } = await waiting(t, method)
    const client = new AbortController()
    const response = request('/', { ...init, signal: client.signal })
    await entered
    assert.equal(app.offloop.pool.stats().queued, 1)
    client.abort()
    await assert.rejects(response, { name: 'AbortError' })
    const reason = await ended
    assert.deepEqual([reason.name, reason.statusCode], ['AbortError', 499])
    const { queued, cancelled } = app.offloop.pool.stats()
    assert.deepEqual([queued, cancelled], [0, 1])
  })

  test(`a connected client receives its response: ${method}`, async t => {
    const { request, entered, release } = await waiting(t, method)
    const response = request('/', init)
    await entered
    await release()
    assert.equal(await (await response).text(), 'done')
  })
}

test('a reply has the signal of its response, which does not abort after the answer', async t => {
  const app = server(t)
  app.register(offloop)
  /** @type {import('fastify').FastifyReply[]} */
  const replies = []
  app.get('/', (_, reply) => {
    replies.push(reply)
    assert.equal(reply.signal, signalOf(reply.raw))
    return 'ok'
  })
  const request = await listen(app)
  await request('/')
  const [reply] = replies
  if (!reply.raw.closed) await once(reply.raw, 'close')
  assert.equal(reply.signal, signalOf(reply.raw))
  assert.equal(reply.signal.aborted, false)
})

test('handlerTimeout aborts the task', async t => {
  const app = server(t)
  app.register(offloop, { pool: { threads: 1 } })
  const ended = deferred()
  app.get('/', { handlerTimeout: 20 }, (_, reply) => {
    const task = app.offloop.pool.run(identity, 'x', { signal: reply.signal })
    task.then(ended.resolve, ended.resolve)
    return task
  })
  const { request } = await listenBusy(app)
  const response = await request('/')
  assert.deepEqual([response.status, /** @type {any} */ (await response.json()).code], [503, 'FST_ERR_HANDLER_TIMEOUT'])
  assert.equal(/** @type {any} */ (await ended.promise).name, 'AbortError')
})

test('over HTTP/2, a signal first accessed after the end is already aborted', async t => {
  const app = fastify({ http2: true })
  t.after(() => app.close())
  app.register(offloop)
  const left = deferred()
  const response = deferred()
  app.get('/', async (_, reply) => {
    left.resolve(undefined)
    await once(reply.raw, 'close')
    response.resolve(reply.signal)
    return 'unread'
  })
  const session = connectHttp2(await app.listen({ port: 0, host: '127.0.0.1' }))
  const request = session.request({ ':path': '/' })
  request.on('error', () => {})
  request.end()
  await left.promise
  request.close(constants.NGHTTP2_CANCEL)
  const signal = /** @type {any} */ (await response.promise)
  session.destroy()
  assert.ok(signal.aborted)
})

test('pipelined requests are aborted when their connection ends', async t => {
  const app = server(t)
  app.register(offloop)
  /** @type {AbortSignal[]} */
  const signals = []
  const both = deferred()
  const closing = deferred()
  app.get('/', async (_, reply) => {
    signals.push(reply.signal)
    if (signals.length === 2) both.resolve(undefined)
    await closing.promise
    return 'unread'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = connect(/** @type {import('node:net').AddressInfo} */ (app.server.address()).port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await both.promise
  const aborted = signals.map(signal => once(signal, 'abort'))
  client.destroy()
  await Promise.all(aborted)
  closing.resolve(undefined)
})

test('injected requests have a signal as well', async t => {
  const app = server(t)
  app.register(offloop)
  /** @type {AbortSignal | undefined} */
  let signal
  app.get('/', async (_, reply) => {
    signal = reply.signal
    return `${signal.aborted}`
  })
  assert.equal((await app.inject('/')).payload, 'false')
})
