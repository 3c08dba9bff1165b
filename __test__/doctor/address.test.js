'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { addressOf, mainOf, textOf } = require('../../lib/doctor/address')

test('servers have the address by which this machine reaches them', () => {
  for (const [server, url] of /** @type {const} */ ([
    [{ port: 80, host: '0.0.0.0' }, 'http://127.0.0.1:80'],
    [{ port: 80, host: '::' }, 'http://127.0.0.1:80'],
    [{ port: 80, host: '::', isV6Only: true }, 'http://[::1]:80'],
    [{ port: 80, host: '::1' }, 'http://[::1]:80'],
    [{ port: 80, host: '127.0.0.1' }, 'http://127.0.0.1:80'],
    [{ port: 443, host: '192.0.2.1', isSecure: true }, 'https://192.0.2.1:443']
  ])) {
    assert.deepEqual(addressOf({ at: 0, ...server }), { url })
  }
})

test('a socket has a path', () => {
  const address = addressOf({ at: 0, path: '/run/a b.sock' })
  assert.deepEqual(address, { url: 'http://localhost', socketPath: '/run/a b.sock' })
  assert.equal(textOf(address), 'unix:/run/a b.sock')
})

test('the main server is the one that PORT names', () => {
  const portOf = (/** @type {[number, import('../../lib/doctor/address').Choice][]} */ ...servers) =>
    mainOf(servers.map(([port, choice]) => ({ port, choice })))?.port
  assert.equal(portOf([1, 'none'], [2, 'text'], [3, 'number']), 2)
  assert.equal(portOf([1, 'number'], [2, 'number'], [3, 'none']), 2)
  // Without PORT, the first one with a fixed port.
  assert.equal(portOf([1, 'none'], [2, 'own'], [3, 'own']), 2)
  assert.equal(portOf([1, 'none'], [2, 'none']), 1)
  assert.equal(portOf(), undefined)
})
