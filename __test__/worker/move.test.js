'use strict'

// Moved values exist in one thread at a time, regardless of the outcome of other tasks.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { MessagePort } = require('node:worker_threads')
const { Pool, move } = require('../..')
const { userFunction, waitForValue, release, sharedWords } = require('../support/worker')

const meetOrSize = userFunction('meetOrSize')
const give = userFunction('give')

/**
 * Makes a pool that has measured tasks of the transform as quick, so that it batches them.
 * @param {import('node:test').TestContext} t
 * @param {import('../..').PoolOptions} options
 * @param {import('../..').PoolTransform<any, any>} transform
 * @param {() => any} input
 */
async function quick(t, options, transform, input) {
  const pool = new Pool(options)
  t.after(() => pool.close())
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 100 }, () => pool.run(transform, input())))
  }
  return pool
}

const bytes = () => move(new Uint8Array(1000))

test('moved inputs are sent to another thread if the task before them is slow', async t => {
  const pool = await quick(t, { threads: 2 }, meetOrSize, bytes)
  const shared = sharedWords()
  const slow = pool.run(meetOrSize, shared)
  const others = Array.from({ length: 6 }, () => pool.run(meetOrSize, bytes()))
  assert.deepEqual(await Promise.all(others), [1000, 1000, 1000, 1000, 1000, 1000])
  release(shared)
  await slow
})

test('moved inputs survive the abort of the task before them and the end of its thread', async t => {
  const pool = await quick(t, { threads: 1, workers: { gracePeriod: 1 } }, meetOrSize, bytes)
  const shared = sharedWords()
  const abort = new AbortController()
  const slow = pool.run(meetOrSize, shared, { signal: abort.signal })
  const others = Array.from({ length: 3 }, () => pool.run(meetOrSize, bytes()))
  await waitForValue(shared, 0, 1)
  abort.abort()
  await assert.rejects(slow, { name: 'AbortError' })
  assert.deepEqual(await Promise.all(others), [1000, 1000, 1000])
})

test('a function cannot move a buffer twice', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  assert.equal((await pool.run(give, 'kept')).byteLength, 9)
  for (let i = 0; i < 3; i++) {
    await assert.rejects(pool.run(give, 'kept'), {
      name: 'DataCloneError',
      message: /^The result cannot be cloned: .*detached/
    })
  }
  assert.equal(await pool.run(give, 'next'), 'next')
})

test('a moved result arrives even if another result of its batch cannot be cloned', async t => {
  const pool = await quick(t, { threads: 1 }, give, () => 'text')
  const [port, text, rejected] = await Promise.allSettled(['port', 'text', 'function'].map(it => pool.run(give, it)))
  assert.ok(port.status === 'fulfilled' && port.value.port1 instanceof MessagePort)
  port.value.port1.close()
  assert.deepEqual(text, { status: 'fulfilled', value: 'text' })
  assert.ok(rejected.status === 'rejected' && rejected.reason.name === 'DataCloneError')
})

test('if two tasks of a batch move the same buffer, one receives it', async t => {
  const giveOnce = userFunction('giveOnce')
  const pool = await quick(t, { threads: 1 }, userFunction(), () => 0)
  for (let round = 0; round < 20; round++) {
    const both = await Promise.allSettled([pool.run(giveOnce, 0), pool.run(giveOnce, 0)])
    for (const it of both) {
      if (it.status === 'fulfilled') assert.equal(it.value.byteLength, 8)
      else assert.match(it.reason.message, /^The result cannot be cloned: .*(detached|ArrayBuffer)/)
    }
    assert.equal(both[0].status, 'fulfilled')
  }
})

test('a moved input stays attached if no thread can be started', async t => {
  const pool = new Pool({ threads: 1, workers: { execArgv: ['--no-such-flag-at-all'] } })
  t.after(() => pool.close())
  for (const memory of [new ArrayBuffer(8), new ArrayBuffer(16)]) {
    await assert.rejects(pool.run(userFunction(), move(memory)), { code: 'ERR_WORKER_INVALID_EXEC_ARGV' })
    assert.notEqual(memory.byteLength, 0)
  }
})

test('sends a moved input whose getter aborts another task', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  await pool.run(userFunction(), 0)
  const shared = sharedWords()
  const abort = new AbortController()
  const aborted = pool.run(userFunction('answered'), shared, { signal: abort.signal })
  // The task is sent in a microtask.
  await null
  // The result is ready, but has not been read.
  Atomics.wait(shared, 0, 0)
  const memory = new ArrayBuffer(8)
  const value = {
    get text() {
      abort.abort()
      return 'text'
    },
    memory
  }
  const result = pool.run(userFunction(), move(value, [memory]))
  assert.equal(memory.byteLength, 0)
  await assert.rejects(aborted, { name: 'AbortError' })
  assert.deepEqual(await result, { text: 'text', memory: new ArrayBuffer(8) })
})

test('an input that can no longer be sent fails only its own task', async t => {
  const pool = await quick(t, { threads: 1 }, meetOrSize, bytes)
  const shared = sharedWords()
  const before = pool.run(meetOrSize, shared)
  await waitForValue(shared, 0, 1)
  const { port1, port2 } = new MessageChannel()
  const tasks = [bytes(), move(port1), bytes()].map(input => pool.run(meetOrSize, input))
  port2.close()
  await new Promise(resolve => setImmediate(resolve))
  release(shared)
  await before
  const [first, second, third] = await Promise.allSettled(tasks)
  assert.deepEqual(
    [first, third].map(it => it.status === 'fulfilled' && it.value),
    [1000, 1000]
  )
  assert.ok(second.status === 'rejected' && second.reason.name === 'DataCloneError')
})
