'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { beforeEach, test } = require('node:test')
const { onListen } = require('../../lib/doctor/probe/listening')

/** @type {import('../../lib/doctor/probe/listening').Listening[]} */
let found = []
const { listen } = net.Server.prototype
onListen(server => found.push(server))

beforeEach(() => {
  found = []
})

/** @param {net.Server} server */
function portOf(server) {
  return /** @type {net.AddressInfo} */ (server.address()).port
}

test('the wrapper has the name and the length of the original', () => {
  const { name, length } = net.Server.prototype.listen
  assert.deepEqual([name, length], [listen.name, listen.length])
})

test('a server that tries again and again has one listener, and is found once', async t => {
  const first = net.createServer().listen(0, '127.0.0.1')
  t.after(() => first.close())
  await once(first, 'listening')
  const port = portOf(first)
  const second = http.createServer(() => {})
  t.after(() => second.close())
  const own = second.listenerCount('listening')
  for (let attempt = 0; attempt < 12; attempt++) {
    second.listen({ port, host: '127.0.0.1' })
    const [{ code }] = await once(second, 'error')
    assert.equal(code, 'EADDRINUSE')
  }
  assert.equal(second.listenerCount('listening'), own + 1)
  first.close()
  await once(first, 'close')
  found = []
  second.listen(0, '127.0.0.1')
  await once(second, 'listening')
  assert.equal(second.listenerCount('listening'), own)
  assert.deepEqual(
    found.map(({ port, choice, isHttp }) => ({ port, choice, isHttp })),
    [{ port: portOf(second), choice: 'none', isHttp: true }]
  )
})

test('a server that closes and listens again is found twice', async t => {
  const server = net.createServer()
  t.after(() => server.close())
  server.listen(0)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
  server.listen(0)
  await once(server, 'listening')
  assert.equal(found.length, 2)
})

test('a listen that throws adds no listener, and takes none from a listen before', async t => {
  const server = net.createServer()
  t.after(() => server.close())
  assert.throws(() => server.listen({ port: -1 }), { code: 'ERR_SOCKET_BAD_PORT' })
  assert.equal(server.listenerCount('listening'), 0)
  server.listen(0)
  assert.throws(() => server.listen({ port: 1 }), { code: 'ERR_SERVER_ALREADY_LISTEN' })
  await once(server, 'listening')
  assert.deepEqual(
    found.map(({ port, choice }) => ({ port, choice })),
    [{ port: portOf(server), choice: 'none' }]
  )
})

test('methods of a derived class are not called', async t => {
  /** @type {string[]} */
  const calls = []
  class Own extends http.Server {}
  for (const name of ['prependOnceListener', 'prependListener', 'removeListener', 'listenerCount', 'address']) {
    Object.defineProperty(Own.prototype, name, { value: () => calls.push(name) })
  }
  const server = new Own()
  t.after(() => server.close())
  await new Promise(resolve => server.listen(0, () => resolve(undefined)))
  // Node.js removes its own listener, which listens once.
  assert.deepEqual(
    calls.filter(name => name !== 'removeListener'),
    []
  )
  assert.equal(found.length, 1)
})
