'use strict'

// After their stop, the probes observe nothing and keep nothing alive.

const assert = require('node:assert/strict')
const { createHook } = require('node:async_hooks')
const { fork } = require('node:child_process')
const { channel } = require('node:diagnostics_channel')
const { EventEmitter, once } = require('node:events')
const { createServer, connect } = require('node:net')
const { join } = require('node:path')
const { Writable } = require('node:stream')
const { before, beforeEach, test } = require('node:test')
const { setImmediate } = require('node:timers/promises')
const v8 = require('node:v8')
const vm = require('node:vm')
const { RequestTimes } = require('../../lib/doctor/probe/requests')

/** @param {string} name */
const installed = name => require(`../../lib/doctor/probe/${name}`).install()
const [races, downstream, listeners, writes, workers, messages] = [
  'races',
  'downstream',
  'listeners',
  'writes',
  'workers',
  'messages'
].map(installed)
const all = [races, downstream, listeners, writes, workers, messages]
const nothing = () => {}

before(() => {
  for (const probe of all) probe.begin()
})
beforeEach(() => {
  for (const probe of all) probe.stop()
})

test('a Map with a race is not observed, and a miss creates no promise', async t => {
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    }
  }).enable()
  t.after(() => hook.disable())
  const map = new Map()
  const load = async () => {
    if (!map.has('key')) {
      await setImmediate()
      map.set('key', {})
    }
  }
  await Promise.all([load(), load()])
  await setImmediate()
  const known = promises
  map.get('other')
  assert.equal(promises, known)
  assert.deepEqual(races.collect().races, [])
})

test('values that are deleted during and after the measurement are collected', async () => {
  const map = new Map()
  const load = async () => {
    if (map.has('key')) return
    await setImmediate()
    map.set('key', {})
  }
  const loadAndDelete = async () => {
    await Promise.all([load(), load()])
    const value = new WeakRef(map.get('key'))
    map.delete('key')
    return value
  }
  const values = [await loadAndDelete()]
  races.begin()
  values.push(await loadAndDelete())
  races.stop()
  await setImmediate()
  v8.setFlagsFromString('--expose-gc')
  const gc = vm.runInNewContext('gc')
  // The last value of a function may stay on the stack for a while.
  for (let turns = 0; turns < 10 && values.some(value => value.deref() !== undefined); turns++) {
    await setImmediate()
    gc()
  }
  assert.deepEqual(
    values.map(value => value.deref()),
    [undefined, undefined]
  )
})

test('emitters, intervals and streams are not observed', t => {
  const emitter = new EventEmitter().setMaxListeners(0)
  for (let count = 0; count < 100; count++) emitter.on('event', nothing)
  const timer = setInterval(nothing, 1e6)
  t.after(() => clearInterval(timer))
  const stream = new Writable({ write: nothing })
  for (let count = 0; count < 100; count++) stream.write('x'.repeat(10_000))
  assert.deepEqual([listeners.collect().listeners, listeners.collect().intervals], [[], []])
  assert.deepEqual(writes.collect().writes, [])
})

test('processes and messages are not observed', async () => {
  const child = fork(join(__dirname, '..', 'fixtures', 'doctor', 'echo.js'))
  assert.equal(child.listenerCount('spawn'), 0)
  child.send('message')
  await once(child, 'message')
  child.kill()
  await once(child, 'exit')
  assert.deepEqual(workers.collect().starts, [])
  assert.equal(messages.collect().ipc.messages, 0)
})

test('calls of other services are not observed', async t => {
  const server = createServer(socket => socket.pipe(socket)).listen(0)
  t.after(() => server.close())
  await once(server, 'listening')
  const socket = connect(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
  t.after(() => socket.destroy())
  socket.write('get user 1\r\n')
  await once(socket, 'data')
  assert.deepEqual(downstream.collect().downstream, [])
})

test('requests are not observed, and those from before a stop do not count after it', () => {
  const [start, end] = [channel('http.server.request.start'), channel('http.server.response.finish')]
  const times = new RequestTimes()
  const begin = () => {
    const response = { req: { method: 'GET', url: '/' }, statusCode: 200 }
    start.publish({ response })
    return response
  }
  times.start()
  const early = begin()
  times.stop()
  assert.deepEqual([start.hasSubscribers, end.hasSubscribers], [false, false])
  begin()
  times.start()
  times.begin()
  const response = begin()
  end.publish({ response: early })
  end.publish({ response })
  const { count, durations } = times.collect()
  assert.deepEqual([count, durations.count], [1, 1])
  times.stop()
})
