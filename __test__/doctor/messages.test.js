'use strict'

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { beforeEach, test } = require('node:test')

const probe = require('../../lib/doctor/probe/messages').install()
const LENGTH = 100_000

beforeEach(() => probe.begin())

/** @param {import('node:test').TestContext} t */
function echo(t) {
  const child = fork(join(__dirname, '..', 'fixtures', 'doctor', 'echo.js'))
  t.after(() => child.kill())
  return child
}

test('messages to other processes are counted with their bytes and time', async t => {
  const child = echo(t)
  child.send('x'.repeat(LENGTH))
  await once(child, 'message')
  const { messages, bytes, time, frames } = probe.collect().ipc
  assert.equal(messages, 1)
  assert.equal(frames.find(({ isUser }) => isUser)?.file, __filename)
  assert.ok(bytes > LENGTH && bytes < LENGTH + 100, `${bytes} bytes`)
  assert.ok(time > 0)
})

test('messages to the parent are counted', async t => {
  const child = echo(t)
  child.send('x'.repeat(LENGTH))
  await once(child, 'message')
  const [{ ipc }] = await once(child, 'message')
  assert.equal(ipc.messages, 1)
  assert.ok(ipc.bytes > LENGTH, `${ipc.bytes} bytes`)
})

test('messages of Node.js itself do not count', async t => {
  const child = echo(t)
  child.send({ cmd: 'NODE_X' })
  child.send({ cmd: 1 })
  await once(child, 'message')
  assert.equal(probe.collect().ipc.messages, 1)
})

test('send keeps its result and its errors', async t => {
  const child = echo(t)

  assert.equal(child.send({}), true)
  assert.throws(() => child.send(/** @type {any} */ (undefined)), { code: 'ERR_MISSING_ARGS' })
})

test('a message is read once', async t => {
  const child = echo(t)
  let reads = 0
  const message = {
    get cmd() {
      reads++
      return 'x'
    }
  }
  child.send(message)
  await once(child, 'message')
  assert.equal(reads, 1)
})
