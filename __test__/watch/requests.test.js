'use strict'

const assert = require('node:assert/strict')
const { channel } = require('node:diagnostics_channel')
const { once } = require('node:events')
const { createServer } = require('node:http')
const http2 = require('node:http2')
const { connect } = require('node:net')
const { test } = require('node:test')
const { setTimeout: after } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const express = require('express')
const { watch } = require('../../watch')
const { Requests, withoutIds } = require('../../lib/watch/requests')
const { collectBlocks, isIn, spin } = require('../support/blocks')
const { deferred } = require('../support/deferred')
const { listen, server } = require('../support/servers')

const isBefore22 = Number(process.versions.node.split('.')[0]) < 22
const UNLIMITED = { maxPerMinute: Infinity, maxPerStack: Infinity }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

/**
 * @param {string} name
 * @param {string} [file]
 * @param {boolean} [isAsync]
 */
function frameOf(name, file = '', isAsync = false) {
  return { name, file: file || '/srv/a.js', line: 1, column: 1, isAsync, isUser: file === '' }
}

const AFTER_AWAIT = [frameOf('handler')]
const BEGINNING = [frameOf('handler'), frameOf('parserOnIncoming', 'node:_http_server')]

/**
 * Starts a server and returns its address.
 * @param {import('node:test').TestContext} t
 * @param {import('node:http').RequestListener} handler
 */
async function serve(t, handler) {
  const app = createServer(handler).listen(0, '127.0.0.1')
  t.after(() => {
    app.close()
    app.closeAllConnections()
  })
  await once(app, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (app.address())
  return `http://127.0.0.1:${port}`
}

test('a block in a handler belongs to its request', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 30, ...UNLIMITED }))
  const address = await serve(t, function handler(_request, response) {
    spin(150)
    response.end()
  })
  await (await fetch(`${address}/users/123/posts?token=secret`)).text()
  const { request, waited } = await next(block => isIn(block, 'handler'))
  assert.deepEqual(request, { method: 'GET', route: '/users/:id/posts', certainty: 'exact' })
  assert.equal(waited, 0)
})

test('counts the requests that waited for the end of a block', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 30, ...UNLIMITED }))
  let isFirst = true
  const address = await serve(t, function handler(_request, response) {
    if (isFirst) spin(300)
    isFirst = false
    response.end()
  })
  const all = ['/slow', '/a', '/b', '/c'].map(path => fetch(address + path).then(response => response.text()))
  const { request, waited } = await next(block => isIn(block, 'handler'))
  await Promise.all(all)
  assert.equal(request?.certainty, 'exact')
  assert.ok(waited <= 3, `${waited}`)
})

test('a block belongs to the request that began before its stack, not to one that began later', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20, ...UNLIMITED }))
  const address = await serve(t, function handler(request, response) {
    if (request.url === '/slow') spin(200)
    response.end()
  })
  const sockets = ['/slow', '/other'].map(path => ({
    path,
    socket: connect(Number(new URL(address).port), '127.0.0.1')
  }))
  const text = (/** @type {string} */ path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  for (const { socket } of sockets) {
    t.after(() => socket.destroy())
    socket.write(text('/warm'))
    await once(socket, 'data')
  }
  // Written together, so that the server reads both in one iteration.
  for (const { path, socket } of sockets) socket.write(text(path))
  const { request } = await next(block => isIn(block, 'handler'))
  assert.deepEqual(request, { method: 'GET', route: '/slow', certainty: 'exact' })
})

test('requests of HTTP/2 are attributed', { skip: isBefore22 && 'Node.js 22 and newer' }, async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20, ...UNLIMITED }))
  const app = http2.createServer(function handler(_request, response) {
    spin(150)
    response.end()
  })
  app.listen(0, '127.0.0.1')
  await once(app, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (app.address())
  const session = http2.connect(`http://127.0.0.1:${port}`)
  t.after(() => {
    session.destroy()
    app.close()
  })
  await once(session.request({ ':path': '/items/12345?x=1' }).resume().end(), 'close')
  const { request } = await next(block => isIn(block, 'handler'))
  assert.deepEqual(request, { method: 'GET', route: '/items/:id', certainty: 'likely' })
})

test('after an await the request is likely, if all in flight have its route, or unknown', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 30, ...UNLIMITED }))
  const address = await serve(t, async (request, response) => {
    if (request.url === '/waits') return void (await after(600).then(() => response.end()))
    await after(20)
    ;(function afterAwait() {
      spin(150)
    })()
    response.end()
  })
  await (await fetch(`${address}/one`)).text()
  const alone = await next(block => isIn(block, 'afterAwait'))
  assert.deepEqual(alone.request, { method: 'GET', route: '/one', certainty: 'likely' })
  const waits = fetch(`${address}/waits`).then(response => response.text())
  await after(50)
  await (await fetch(`${address}/one`)).text()
  const beside = await next(block => isIn(block, 'afterAwait'))
  assert.equal(beside.request, undefined)
  await waits
})

test('handlers of Express and Fastify are named, with their routes and asynchronous callers', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 30, ...UNLIMITED }))
  const application = express()
  const router = express.Router()
  router.get('/orders/:id', async function expressHandler(_request, response) {
    spin(150)
    response.end()
  })
  application.use('/users/:name', router)
  await (await fetch(`${await serve(t, application)}/users/name@example.com/orders/7`)).text()
  const inExpress = await next(block => isIn(block, 'expressHandler'))
  assert.deepEqual(inExpress.request, { method: 'GET', route: '/users/:id/orders/:id', certainty: 'exact' })

  const app = server(t)
  const work = async () => {
    await null
    spin(150)
  }
  app.get('/reports/:name', async function fastifyHandler() {
    await work()
    return 'done'
  })
  const send = await listen(app)
  await (await send('/reports/yearly')).text()
  const inFastify = await next(block => isIn(block, 'fastifyHandler'))
  assert.deepEqual(inFastify.request, { method: 'GET', route: '/reports/:name', certainty: 'likely' })
  const names = inFastify.samples[0].frames.filter(frame => frame.isUser).map(frame => frame.name)
  assert.deepEqual(names.slice(-2), ['work', 'fastifyHandler'])
  assert.ok(inFastify.samples[0].frames.find(frame => frame.name === 'fastifyHandler')?.isAsync)
})

test('ids in paths are replaced', () => {
  for (const [url, route] of [
    ['/', '/'],
    ['*', '*'],
    ['/users/42', '/users/:id'],
    ['/a/6f9619ff-8b86-d011-b42d-00c04fc964ff/b?x=1#y', '/a/:id/b'],
    ['/507f1f77bcf86cd799439011', '/:id'],
    ['/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/:id'],
    ['/V1StGXR8_Z5jdHi6B-myT', '/:id'],
    ['/customers/cus_9s6XKzkNRiz8i3/cards', '/customers/:id/cards'],
    ['/AbCdEfGhIjKlMnOpQrStUvWx', '/:id'],
    ['/name@example.com', '/:id'],
    ['/12%2034', '/:id'],
    ['/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0', '/reset/:id']
  ]) {
    assert.equal(withoutIds(url), route)
  }
})

test('words in paths stay', () => {
  for (const url of [
    '/v1/reports',
    '/oauth2/token',
    '/2024-reports',
    '/top-10-of-2024',
    '/index.html',
    '/a-long-name-of-an-article',
    '/internationalization',
    '/getUserNotificationPreferences'
  ]) {
    assert.equal(withoutIds(url), url)
  }
})

/**
 * Returns the requests of a test, which begin by messages of Node's channels.
 * @param {import('node:test').TestContext} t
 */
function requestsOf(t) {
  const requests = new Requests()
  requests.start()
  t.after(() => requests.stop())
  const begin = (/** @type {object} */ fields) => {
    const request = { method: 'GET', ...fields }
    const response = { req: request, destroyed: false }
    /** @type {{ destroyed: boolean, parser: object, _httpMessage: object | null }} */
    const socket = { destroyed: false, parser: { incoming: request }, _httpMessage: response }
    channel('http.server.request.start').publish({ request, response, socket })
    return { request, response, socket }
  }
  const end = (/** @type {ReturnType<typeof begin>} */ { socket }) => {
    socket.parser = { incoming: null }
    socket._httpMessage = null
  }
  return { requests, begin, end }
}

test('a request is not in flight after its end', async t => {
  const { requests, begin, end } = requestsOf(t)
  end(begin({ url: '/ended' }))
  begin({ url: '/open' })
  const { request } = requests.during(AFTER_AWAIT, requests.inFlight())
  assert.deepEqual(request, { method: 'GET', route: '/open', certainty: 'likely' })
})

test('a request whose URL is not a string has its path', t => {
  for (const [url, route] of /** @type {[unknown, string][]} */ ([
    [new URL('http://localhost/users/42?a=1'), '/users/:id'],
    [null, ''],
    [{ path: '/users' }, '']
  ])) {
    const { requests, begin, end } = requestsOf(t)
    const message = begin({ url, method: 1 })
    const { request } = requests.during(AFTER_AWAIT, requests.inFlight())
    assert.deepEqual(request, { method: '', route, certainty: 'likely' })
    end(message)
    requests.stop()
  }
})

test('the program sees no property of the watch at its connections', t => {
  const { begin } = requestsOf(t)
  const { socket } = begin({ url: '/' })
  assert.deepEqual(Reflect.ownKeys(socket), ['destroyed', 'parser', '_httpMessage'])
})

test('requests whose client has gone are forgotten', async t => {
  const requests = new Requests()
  requests.start()
  t.after(() => requests.stop())
  const closed = deferred()
  const begun = deferred()
  const address = await serve(t, (_request, response) => {
    begun.resolve(undefined)
    response.on('close', () => closed.resolve(undefined))
  })
  const aborts = new AbortController()
  const call = fetch(`${address}/aborted`, { signal: aborts.signal })
  await begun.promise
  const { request } = requests.during(AFTER_AWAIT, requests.inFlight())
  assert.deepEqual(request, { method: 'GET', route: '/aborted', certainty: 'likely' })
  aborts.abort()
  await assert.rejects(call, { name: 'AbortError' })
  await closed.promise
  assert.equal(requests.during(AFTER_AWAIT, requests.inFlight()).request, undefined)
})

test('the handler of a request in a pipeline is named, not the request before it', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20, ...UNLIMITED }))
  const address = await serve(t, function handler(request, response) {
    if (request.url === '/second') spin(150)
    setImmediate(() => response.end())
  })
  const socket = connect(Number(new URL(address).port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET /first HTTP/1.1\r\nHost: localhost\r\n\r\nGET /second HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const { request } = await next(block => isIn(block, 'handler'))
  assert.deepEqual(request, { method: 'GET', route: '/second', certainty: 'exact' })
})

test('a response that has ended still belongs to its running handler', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20, ...UNLIMITED }))
  const address = await serve(t, function handler(_request, response) {
    response.end('ended')
    spin(150)
  })
  await (await fetch(`${address}/ended`)).text()
  const { request } = await next(block => isIn(block, 'handler'))
  assert.deepEqual(request, { method: 'GET', route: '/ended', certainty: 'exact' })
})

test('nothing of a request is kept after its end', async t => {
  const { requests, begin, end } = requestsOf(t)
  /** @type {WeakRef<object>[]} */
  const references = []
  ;(() => {
    for (let count = 0; count < 100; count++) {
      const message = begin({ url: '/ends', body: Buffer.alloc(100) })
      references.push(new WeakRef(message.request))
      requests.inFlight()
      end(message)
    }
  })()
  // A reference that was just made holds its target until the end of the callback.
  await after(0)
  collectGarbage()
  assert.deepEqual(
    references.map(reference => reference.deref()),
    references.map(() => undefined)
  )
})

test('connections that have closed are forgotten, those that are open are not', t => {
  const { requests, begin } = requestsOf(t)
  for (let count = 0; count < 100; count++) begin({ url: '/open' })
  for (let count = 0; count < 10_000; count++) begin({ url: '/closed' }).socket.destroyed = true
  let open = 0
  let all = 0
  for (let request = requests.inFlight().inFlight; request !== undefined; request = request.next) {
    all++
    if (request.target.url === '/open') open++
  }
  assert.equal(open, 100)
  assert.ok(all <= 400, `${all}`)
})

test('requests that began after the first stack have waited, not those that are merely open', t => {
  const { requests, begin, end } = requestsOf(t)
  for (let count = 0; count < 5; count++) begin({ url: '/events' })
  begin({ url: '/slow' })
  const moment = requests.inFlight()
  for (let count = 0; count < 100; count++) end(begin({ url: '/a' }))
  for (let count = 0; count < 100; count++) begin({ url: '/b' })
  const { request, waited } = requests.during(BEGINNING, moment)
  assert.deepEqual(request, { method: 'GET', route: '/slow', certainty: 'exact' })
  assert.equal(waited, 200)
})

test('a list of requests runs no code of the program', t => {
  const { requests, begin } = requestsOf(t)
  const { socket } = begin({ url: '/open' })
  const { response } = begin({ url: '/patched' })
  const fail = () => assert.fail('code of the program')
  Object.defineProperty(response, 'destroyed', { get: fail })
  Object.defineProperty(response, 'req', { get: fail })
  Object.defineProperty(socket, 'parser', { get: fail })
  const { getOwnPropertyDescriptor } = Object
  const { apply } = Reflect
  const { deref } = WeakRef.prototype
  t.after(() => {
    Object.assign(Object, { getOwnPropertyDescriptor })
    Object.assign(Reflect, { apply })
    Object.assign(WeakRef.prototype, { deref })
  })
  Object.assign(Object, { getOwnPropertyDescriptor: fail })
  Object.assign(Reflect, { apply: fail })
  Object.assign(WeakRef.prototype, { deref: fail })
  const { inFlight } = requests.inFlight()
  assert.equal(inFlight?.target.url, '/open')
  assert.equal(inFlight?.next, undefined)
})

for (const [title, frames, isLikely] of /** @type {const} */ ([
  ['a timer', [['job'], ['listOnTimeout', 'node:internal/timers'], ['processTimers', 'node:internal/timers']], false],
  ['an immediate', [['job'], ['processImmediate', 'node:internal/timers']], false],
  ['a continuation', [['handler']], true],
  ['a continuation with asynchronous callers', [['work'], ['handler', '', true]], true],
  ['a tick', [['handler'], ['processTicksAndRejections', 'node:internal/process/task_queues']], true],
  [
    'a continuation between timers',
    [
      ['handler'],
      ['runNextTicks', 'node:internal/process/task_queues'],
      ['listOnTimeout', 'node:internal/timers'],
      ['processTimers', 'node:internal/timers']
    ],
    true
  ],
  ['a callback of a file', [['handler'], ['readFileAfterClose', 'node:internal/fs/read/context']], true]
])) {
  test(`the request is ${isLikely ? 'likely' : 'unknown'} in ${title}`, t => {
    const { requests, begin } = requestsOf(t)
    begin({ url: '/events' })
    const stack = frames.map(([name, file, isAsync]) => frameOf(name, file, isAsync))
    const { request } = requests.during(stack, requests.inFlight())
    assert.deepEqual(request, isLikely ? { method: 'GET', route: '/events', certainty: 'likely' } : undefined)
  })
}

test('the block of a timer does not belong to a request that is merely open', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 30, ...UNLIMITED }))
  const address = await serve(t, (_request, response) => void response.write('event: 1\n\n'))
  const aborts = new AbortController()
  t.after(() => aborts.abort())
  await fetch(`${address}/events`, { signal: aborts.signal })
  setTimeout(function nightly() {
    spin(150)
  }, 1)
  const { request, waited } = await next(block => isIn(block, 'nightly'))
  assert.deepEqual([request, waited], [undefined, 0])
})
