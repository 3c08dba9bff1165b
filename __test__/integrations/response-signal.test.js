'use strict'

const assert = require('node:assert/strict')
const { EventEmitter, on, once } = require('node:events')
const http = require('node:http')
const http2 = require('node:http2')
const { connect } = require('node:net')
const { test } = require('node:test')
const express = require('express')
const fastify = require('fastify')
const Koa = require('koa')
const { Pool, signalOf, transforms } = require('../..')
const { deferred } = require('../support/deferred')
const { occupy } = require('../support/occupy')

/** @typedef {import('node:http').ServerResponse} Response */

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const EVENTS = ['close', 'finish', 'error', 'aborted', 'end']

/** @param {EventEmitter | null | undefined} emitter */
const listeners = emitter => EVENTS.map(event => emitter?.listenerCount(event) ?? 0)

/**
 * @param {import('node:test').TestContext} t
 * @param {http.Server | http2.Http2Server} server
 */
async function listen(t, server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}

/**
 * Starts an HTTP/1 server, whose responses are returned one by one.
 * @param {import('node:test').TestContext} t
 * @param {http.ServerOptions} [options]
 */
async function http1(t, options = {}) {
  const server = http.createServer(options)
  const requests = on(server, 'request')
  const port = await listen(t, server)
  const next = async () => /** @type {Response} */ ((await requests.next()).value[1])
  return { port, next, connect: () => connect(port, '127.0.0.1').on('error', () => {}) }
}

/** @param {AbortSignal} signal */
async function aborted(signal) {
  if (!signal.aborted) await once(signal, 'abort')
  const { reason } = signal
  assert.ok(reason instanceof DOMException)
  const { name, message, statusCode } = /** @type {any} */ (reason)
  assert.deepEqual(
    [name, message, statusCode],
    ['AbortError', 'The client disconnected before the response was sent', 499]
  )
}

for (const how of /** @type {const} */ (['destroy', 'resetAndDestroy'])) {
  test(`HTTP/1: aborts when the client disconnects by ${how}`, async t => {
    const { next, connect } = await http1(t)
    const client = connect()
    client.write(GET)
    const response = await next()
    const before = listeners(response)
    const signal = signalOf(response)
    assert.equal(signal.aborted, false)
    client[how]()
    await aborted(signal)
    assert.deepEqual(listeners(response), before)
    assert.equal(signalOf(response), signal)
  })
}

test('HTTP/1: aborts when the client disconnects in the middle of an answer', async t => {
  const { next, connect } = await http1(t)
  const client = connect()
  client.write(GET)
  const response = await next()
  const signal = signalOf(response)
  response.write('the first part')
  await once(client, 'data')
  client.destroy()
  await aborted(signal)
})

for (const [name, method, answer] of /** @type {[string, string, (response: any) => void][]} */ ([
  ['a body', 'GET', response => response.end('body')],
  ['HEAD', 'HEAD', response => response.end('body')],
  ['204', 'GET', response => response.writeHead(204).end()],
  ['304', 'GET', response => response.writeHead(304).end()],
  ['a large body', 'GET', response => response.end(Buffer.alloc(8 << 20))]
])) {
  test(`HTTP/1: does not abort after ${name}`, async t => {
    const { port, next } = await http1(t, { keepAlive: true })
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    /** @type {number[][][]} */
    const left = []
    for (const isWatched of [false, true, true]) {
      const request = http.request({ port, method, agent }).end()
      const response = await next()
      const { socket } = response
      const signal = isWatched ? signalOf(response) : undefined
      answer(response)
      const closed = once(response, 'close')
      const [answered] = await once(request, 'response')
      await once(answered.resume(), 'end')
      await closed
      left.push([listeners(response), listeners(socket)])
      if (isWatched) assert.equal(signalOf(response), signal)
      assert.equal(signalOf(response).aborted, false)
    }
    const [unwatched, ...watched] = left
    for (const counts of watched) assert.deepEqual(counts, unwatched)
  })
}

test('HTTP/1: pipelined responses that are answered do not abort, and leave no listener on their socket', async t => {
  const { next, connect } = await http1(t)
  const warnings = t.mock.method(process, 'emitWarning', () => {})
  const client = connect()
  client.write(GET.repeat(20))
  const first = await next()
  const socket = /** @type {import('node:net').Socket} */ (first.socket)
  const responses = [first]
  while (responses.length < 20) responses.push(await next())
  const before = socket.listenerCount('close')
  const signals = responses.map(response => signalOf(response))
  const closed = responses.map(response => once(response, 'close'))
  client.resume()
  for (const response of responses) response.end('x')
  await Promise.all(closed)
  assert.ok(signals.every(signal => !signal.aborted))
  // Not counting Node's own listener for the first response.
  assert.equal(socket.listenerCount('close'), before - 1)
  client.destroy()
  await new Promise(resolve => socket.once('close', resolve))
  assert.ok(signals.every(signal => !signal.aborted))
  assert.equal(warnings.mock.callCount(), 0)
})

test('HTTP/1: pipelined responses abort when their connection ends', async t => {
  const { next, connect } = await http1(t)
  const client = connect()
  client.write(GET.repeat(3))
  const responses = [await next(), await next(), await next()]
  const signals = responses.map(response => signalOf(response))
  const answered = once(responses[0], 'close')
  client.once('data', () => client.destroy())
  responses[0].end('x')
  await answered
  await Promise.all(signals.slice(1).map(aborted))
  assert.equal(signals[0].aborted, false)
  // Created after the end.
  assert.ok(signalOf(responses[2]).aborted)
})

test('HTTP/1: a signal that is created after the end has the outcome', async t => {
  const { next, connect } = await http1(t)
  const client = connect()
  client.write(GET)
  const response = await next()
  const closed = once(response, 'close')
  client.resume()
  response.end('x')
  await closed
  assert.equal(signalOf(response).aborted, false)
  client.write(GET + GET)
  const [lost, pipelined] = [await next(), await next()]
  client.destroy()
  await once(lost, 'close')
  await aborted(signalOf(lost))
  await aborted(signalOf(pipelined))
})

/** @param {import('node:test').TestContext} t */
async function http2Server(t) {
  const server = http2.createServer()
  const requests = on(server, 'request')
  const port = await listen(t, server)
  const session = http2.connect(`http://127.0.0.1:${port}`).on('error', () => {})
  t.after(() => session.destroy())
  const next = async () => /** @type {http2.Http2ServerResponse} */ ((await requests.next()).value[1])
  return { session, next }
}

test('HTTP/2: aborts when the client resets the stream', async t => {
  const { session, next } = await http2Server(t)
  for (const code of [http2.constants.NGHTTP2_CANCEL, http2.constants.NGHTTP2_NO_ERROR]) {
    const request = session.request({ ':path': '/' }).on('error', () => {})
    const response = await next()
    const signal = signalOf(response)
    assert.equal(signalOf(response), signal)
    request.close(code)
    await aborted(signal)
  }
  const left = session.request({ ':path': '/' }).on('error', () => {})
  const response = await next()
  left.close(http2.constants.NGHTTP2_CANCEL)
  await once(response, 'close')
  await aborted(signalOf(response))
})

test('HTTP/2: aborts when the connection ends', async t => {
  const { session, next } = await http2Server(t)
  session.request({ ':path': '/' }).on('error', () => {})
  const signal = signalOf(await next())
  session.destroy()
  await aborted(signal)
})

for (const [name, headers, answer] of /** @type {[string, any, (response: any) => void][]} */ ([
  ['a body', {}, response => response.end('body')],
  ['HEAD', { ':method': 'HEAD' }, response => response.end()],
  ['204', {}, response => response.writeHead(204).end()],
  ['a body before the upload has ended', { ':method': 'POST' }, response => response.end('body')]
])) {
  test(`HTTP/2: does not abort after ${name}`, async t => {
    const { session, next } = await http2Server(t)
    const request = session.request({ ':path': '/', ...headers }).on('error', () => {})
    const response = await next()
    const { stream } = response
    const before = listeners(stream)
    const signal = signalOf(response)
    const closed = once(stream, 'close')
    answer(response)
    request.resume()
    await once(request, 'end')
    request.end()
    await closed
    assert.equal(signal.aborted, false)
    assert.equal(stream.listenerCount('close'), before[0])
    assert.equal(signalOf(response), signal)
  })
}

test('removes the task of a client that disconnects, in Express, Fastify and Koa', async t => {
  const entered = () => /** @type {any} */ (deferred())
  for (const framework of ['Express', 'Fastify', 'Koa']) {
    const pool = new Pool({ threads: 1 })
    const { release } = await occupy(pool)
    const started = entered()
    const ended = entered()
    const run = (/** @type {Response} */ response) => {
      const task = pool.run(transforms.identity(), 'x', { signal: signalOf(response) })
      task.then(ended.resolve, ended.resolve)
      started.resolve()
      return task
    }
    /** @type {http.RequestListener} */
    let listener
    if (framework === 'Express') {
      const app = express()
      app.set('env', 'test')
      app.get('/', async (_request, response) => void response.send(await run(response)))
      listener = app
    } else if (framework === 'Fastify') {
      const app = fastify()
      app.get('/', (_request, reply) => run(reply.raw))
      await app.ready()
      listener = app.routing
    } else {
      const app = new Koa()
      app.silent = true
      app.use(async context => {
        context.body = await run(context.res)
      })
      listener = app.callback()
    }
    const server = http.createServer(listener)
    const client = connect(await listen(t, server), '127.0.0.1')
    client.write(GET)
    await started.promise
    client.destroy()
    assert.equal((await ended.promise).name, 'AbortError')
    assert.equal(pool.stats().cancelled, 1)
    await release()
    await pool.close()
  }
})

test('injected requests have a signal as well', async t => {
  const app = fastify()
  t.after(() => app.close())
  /** @type {AbortSignal | undefined} */
  let signal
  app.get('/', async (_, reply) => {
    signal = signalOf(reply.raw)
    return 'ok'
  })
  assert.equal((await app.inject('/')).payload, 'ok')
  assert.equal(signal?.aborted, false)
})

test('refuses values that are not responses', () => {
  const any = /** @type {any} */ (signalOf)
  const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
  for (const value of [undefined, null, 'x', {}, new EventEmitter(), { writeHead() {} }]) {
    assert.throws(() => any(value), {
      ...expected,
      message: /^The "response" argument must be an instance of ServerResponse or/
    })
  }
  const reply = { raw: { writeHead() {} } }
  assert.throws(() => any(reply), { ...expected, message: /Received an instance of Object\. Pass its property raw$/ })
})
