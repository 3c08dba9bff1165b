'use strict'

// Servers that close, and clients that go away.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { connect: connectHttp2, constants } = require('node:http2')
const { connect } = require('node:net')
const { test } = require('node:test')
const fastify = require('fastify')
const { Cache, Pool, pool, transforms } = require('../..')
const offloop = require('../../fastify')
const { occupy } = require('../support/occupy.js')
const { deferred } = require('../support/deferred.js')
const { userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')
const { listen, server } = require('../support/servers.js')

const identity = transforms.identity()
const closed = { code: 'ERR_OFFLOOP_CLOSED' }

test('requests under way are answered before what was made is closed', async t => {
  const app = server(t)
  const shared = sharedWords()
  const closing = deferred()
  app.addHook('preClose', async () => closing.resolve(undefined))
  app.register(offloop, { pool: { threads: 1 }, caches: { pages: { max: 1 } } })
  app.get('/', async () => {
    await app.offloop.pool.run(userFunction('meet'), shared)
    // What comes second must find both open still.
    const page = await /** @type {any} */ (app.offloop.caches).pages.get('1', async () => 'page')
    return `${page} ${await app.offloop.pool.run(identity, 'after')}`
  })
  const ask = await listen(app)
  const asked = ask('/')
  await waitForValue(shared, 0, 1)
  const over = app.close()
  await closing.promise
  release(shared)
  assert.equal(await (await asked).text(), 'page after')
  await over
  await assert.rejects(app.offloop.pool.run(identity, 'x'), closed)
  await assert.rejects(/** @type {any} */ (app.offloop.caches).pages.get('1'), closed)
})

test('tasks that nobody waits for are finished before the server is closed', async t => {
  const app = server(t)
  const shared = sharedWords()
  app.register(offloop, { pool: { threads: 1 } })
  /** @type {Promise<unknown> | undefined} */
  let background
  app.get('/', async () => {
    background = app.offloop.pool.run(userFunction('meet'), shared)
    return 'answered'
  })
  const ask = await listen(app)
  assert.equal(await (await ask('/')).text(), 'answered')
  await waitForValue(shared, 0, 1)
  const over = app.close().then(() => 'closed')
  release(shared)
  assert.equal(typeof (await background), 'number')
  assert.equal(await over, 'closed')
})

test('what was handed in stays open, and so does the pool of the process', async t => {
  const mine = new Pool({ threads: 1 })
  const users = new Cache({ max: 1 })
  t.after(() => mine.close())
  const app = server(t)
  app.register(offloop, { pool: mine, caches: { users } })
  app.register(async inner => {
    inner.register(offloop)
  })
  await listen(app)
  await app.close()
  assert.equal(String(await mine.run(identity, 'open')), 'open')
  assert.equal(String(await pool.run(identity, 'open')), 'open')
  users.set('1', 'open')
  assert.equal(users.peek('1'), 'open')
})

test('a server that cannot start closes what was made for it', async t => {
  const app = server(t)
  app.register(offloop, { pool: { threads: 1 } })
  app.register(async () => {
    throw new Error('the database is not there')
  })
  await assert.rejects(async () => app.ready(), { message: 'the database is not there' })
  await app.close()
  await assert.rejects(app.offloop.pool.run(identity, 'x'), closed)
})

test('several servers of a process have pools of their own, or share one', async t => {
  const [one, other, third] = [server(t), server(t), server(t)]
  one.register(offloop, { pool: { threads: 1 } })
  other.register(offloop, { pool: { threads: 1 } })
  third.register(offloop, { pool: { name: 'shared by name', threads: 1 } })
  const fourth = server(t).register(offloop, { pool: { name: 'shared by name' } })
  for (const app of [one, other, third, fourth]) app.get('/', () => app.offloop.pool.run(identity, 'ok'))
  const asks = await Promise.all([one, other, third, fourth].map(listen))
  for (const ask of asks) assert.equal(await (await ask('/')).text(), 'ok')
  await Promise.all([one.close(), third.close()])
  await assert.rejects(one.offloop.pool.run(identity, 'x'), closed)
  for (const ask of [asks[1], asks[3]]) assert.equal(await (await ask('/')).text(), 'ok')
  assert.equal(fourth.offloop.pool.stats().completed, 3)
})

/**
 * Listens with no thread left, until it is told or the server is closed.
 * @param {import('fastify').FastifyInstance} app
 */
async function listenBusy(app) {
  let release = async () => {}
  app.addHook('preClose', () => release())
  const ask = await listen(app)
  release = (await occupy(app.offloop.pool)).release
  return { ask, release }
}

/**
 * A server with a task that a client waits for, behind one that holds the only thread.
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
  const { ask, release } = await listenBusy(app)
  return { app, ask, ended: ended.promise, entered: entered.promise, release }
}

for (const method of /** @type {const} */ (['GET', 'POST'])) {
  const init = { method, ...(method === 'POST' ? { body: 'a body that is read at once' } : {}) }

  test(`a client that goes away takes its task out of the queue: ${method}`, async t => {
    const { app, ask, ended, entered } = await waiting(t, method)
    const client = new AbortController()
    const asked = ask('/', { ...init, signal: client.signal })
    await entered
    assert.equal(app.offloop.pool.stats().queued, 1)
    client.abort()
    await assert.rejects(asked, { name: 'AbortError' })
    const reason = await ended
    assert.deepEqual([reason.name, reason.statusCode], ['AbortError', 499])
    const { queued, cancelled } = app.offloop.pool.stats()
    assert.deepEqual([queued, cancelled], [0, 1])
  })

  test(`a client that stays is answered: ${method}`, async t => {
    const { ask, entered, release } = await waiting(t, method)
    const asked = ask('/', init)
    await entered
    await release()
    assert.equal(await (await asked).text(), 'done')
  })
}

test('the signal is one for a reply, and aborts when it is over', async t => {
  const app = server(t)
  app.register(offloop)
  /** @type {AbortSignal | undefined} */
  let signal
  app.get('/', (_, reply) => {
    signal = reply.signal
    assert.equal(reply.signal, signal)
    return 'ok'
  })
  /** @type {import('fastify').FastifyReply[]} */
  const replies = []
  app.get('/late', (_, reply) => {
    replies.push(reply)
    return 'ok'
  })
  const ask = await listen(app)
  const answered = ask('/')
  await answered
  if (!signal?.aborted) await once(/** @type {AbortSignal} */ (signal), 'abort')
  assert.equal(/** @type {AbortSignal} */ (signal).reason.name, 'AbortError')

  // Asked for when all is over, it has aborted already.
  await ask('/late')
  const [reply] = replies
  if (!reply.raw.closed) await once(reply.raw, 'close')
  assert.ok(reply.signal.aborted)
})

test('a task whose time is over by handlerTimeout is given up', async t => {
  const app = server(t)
  app.register(offloop, { pool: { threads: 1 } })
  const ended = deferred()
  app.get('/', { handlerTimeout: 20 }, (_, reply) => {
    const task = app.offloop.pool.run(identity, 'x', { signal: reply.signal })
    task.then(ended.resolve, ended.resolve)
    return task
  })
  const { ask } = await listenBusy(app)
  const response = await ask('/')
  assert.deepEqual([response.status, /** @type {any} */ (await response.json()).code], [503, 'FST_ERR_HANDLER_TIMEOUT'])
  assert.equal(/** @type {any} */ (await ended.promise).name, 'AbortError')
})

test('over HTTP/2 it has aborted too where it is asked for when all is over', async t => {
  const app = fastify({ http2: true })
  t.after(() => app.close())
  app.register(offloop)
  const left = deferred()
  const asked = deferred()
  app.get('/', async (_, reply) => {
    left.resolve(undefined)
    await once(reply.raw, 'close')
    asked.resolve(reply.signal)
    return 'nobody reads this'
  })
  const session = connectHttp2(await app.listen({ port: 0, host: '127.0.0.1' }))
  const request = session.request({ ':path': '/' })
  request.on('error', () => {})
  request.end()
  await left.promise
  request.close(constants.NGHTTP2_CANCEL)
  const signal = /** @type {any} */ (await asked.promise)
  session.destroy()
  assert.ok(signal.aborted)
})

test('requests that wait behind another one on their connection hear of its end', async t => {
  const app = server(t)
  app.register(offloop)
  /** @type {AbortSignal[]} */
  const signals = []
  const both = deferred()
  const over = deferred()
  app.get('/', async (_, reply) => {
    signals.push(reply.signal)
    if (signals.length === 2) both.resolve(undefined)
    await over.promise
    return 'nobody reads this'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = connect(/** @type {import('node:net').AddressInfo} */ (app.server.address()).port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await both.promise
  const heard = signals.map(signal => once(signal, 'abort'))
  client.destroy()
  await Promise.all(heard)
  over.resolve(undefined)
})

test('answers without a connection have a signal as well', async t => {
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
