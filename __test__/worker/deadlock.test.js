'use strict'

// Functions that wait for tasks of the pool in which they run, directly or through other functions.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { Pool, pool: shared, transforms } = require('../..')
const { fixture, release, sharedWords, userFunction, waitForValue } = require('../support/worker.js')

const CODE = 'ERR_OFFLOOP_DEADLOCK'
const functionOf = (/** @type {string} */ name) => transforms.worker(fixture('deadlock.js'), { export: name })
let pools = 0

/**
 * @param {number} threads
 * @param {(pool: Pool, name: string) => Promise<void>} work
 */
async function withPool(threads, work) {
  const name = `deadlock-${++pools}`
  const pool = new Pool({ name, threads })
  await work(pool, name)
  await pool.close()
}

test('a function that awaits a task of the pool whose only thread it holds gets an error with the remedy', () =>
  withPool(1, async (pool, name) => {
    const { code, message, stack } = await pool.run(functionOf('run'), name)
    assert.equal(code, CODE)
    assert.match(message, new RegExp(`the only thread of the pool '${name}'.*in another pool, or raise threads$`))
    assert.match(stack, /deadlock\.js/)
    assert.equal(pool.stats().running, 0)
  }))

for (const verb of ['map', 'iterate', 'stream', 'collect']) {
  test(`${verb} in a function on the only thread fails`, () =>
    withPool(1, async (pool, name) => {
      assert.equal((await pool.run(functionOf(verb), name)).code, CODE)
    }))
}

test('each task rejects with a separate error', () =>
  withPool(1, async (pool, name) => {
    assert.deepEqual(await pool.run(functionOf('settle'), name), { codes: [CODE, CODE], isDistinct: true })
  }))

test('of two functions on two threads one fails, and the other proceeds', () =>
  withPool(2, async (pool, name) => {
    const results = await Promise.all([pool.run(functionOf('run'), name), pool.run(functionOf('run'), name)])
    assert.deepEqual(results.map(result => result.code ?? result).sort(), [CODE, 'inner'])
  }))

test('the functions of a map proceed one after the other', () =>
  withPool(2, async (pool, name) => {
    const results = await pool.map(functionOf('run'), Array(6).fill(name))
    assert.ok(results.every(result => result === 'inner' || result.code === CODE))
  }))

test('the process-wide pool is checked too', async () => {
  const results = await Promise.all(
    Array.from({ length: shared.threads }, () => shared.run(functionOf('run'), 'default'))
  )
  assert.ok(results.filter(result => result.code === CODE).length < results.length)
  assert.ok(results.every(result => result === 'inner' || result.code === CODE))
  await withPool(1, async pool => assert.equal(await pool.run(functionOf('run'), 'default'), 'inner'))
})

test('a script that awaits a task of its pool gets the error', () =>
  withPool(1, async (pool, name) => {
    const result = await pool.run(transforms.workerScript(fixture('script-deadlock.js')), name)
    assert.equal(result.code, CODE)
  }))

for (const threads of [1, 2]) {
  test(`nested functions on ${threads} threads get the error`, () =>
    withPool(threads, async (pool, name) => {
      const { code } = await pool.run(functionOf('nested'), Array(threads + 1).fill(name))
      assert.equal(code, CODE)
    }))
}

test('enough threads for nested functions raise no error', () =>
  withPool(4, async (pool, name) => {
    assert.equal(await pool.run(functionOf('nested'), [name, name, name]), 'inner')
  }))

test('a nested function in a pool with free threads that needs the outer pool gets the error', () =>
  withPool(1, (outer, outerName) =>
    withPool(3, async (_, innerName) => {
      const { code } = await outer.run(functionOf('nested'), [innerName, outerName])
      assert.equal(code, CODE)
    })
  ))

test('of two pools that wait for one another one proceeds', () =>
  withPool(1, (left, leftName) =>
    withPool(1, async (right, rightName) => {
      const results = await Promise.all([
        left.run(functionOf('run'), rightName),
        right.run(functionOf('run'), leftName)
      ])
      assert.ok(results.includes('inner'))
      assert.ok(results.every(result => result === 'inner' || result.code === CODE))
    })
  ))

test('a task that its function does not await runs afterwards', () =>
  withPool(1, async (pool, name) => {
    const words = sharedWords()
    await pool.run(functionOf('forget'), { name, words })
    await waitForValue(words, 1, 1)
  }))

test('a free thread raises no error', () =>
  withPool(2, async (pool, name) => {
    for (let i = 0; i < 20; i++) assert.equal(await pool.run(functionOf('run'), name), 'inner')
  }))

for (const source of ['timer', 'thread']) {
  test(`a function that also waits for a ${source} does not get the error`, () =>
    withPool(1, async (pool, name) => {
      const words = sharedWords()
      assert.equal(await pool.run(functionOf('busy'), { name, words, source }), 'done')
      await waitForValue(words, 1, 1)
    }))
}

test('functions and native tasks that occupy the other threads raise no error', () =>
  withPool(2, async (pool, name) => {
    const words = sharedWords()
    const slow = pool.run(transforms.pbkdf2('sha256', Buffer.from('salt of a test'), 1_500_000, 32), 'password')
    assert.equal(await pool.run(functionOf('run'), name), 'inner')
    await slow
    await pool.run(functionOf('mark'), words)
  }))

test('a function that blocks its thread raises no error', () =>
  withPool(2, async (pool, name) => {
    const words = sharedWords()
    const blocking = pool.run(userFunction('meet'), words)
    await waitForValue(words, 0, 1)
    const waiting = pool.run(functionOf('run'), name)
    // Longer than detection takes.
    await sleep(300)
    release(words)
    assert.equal(await waiting, 'inner')
    await blocking
  }))

test('the abort of the outer task frees its thread', () =>
  withPool(1, async (pool, name) => {
    const [words, controller] = [sharedWords(), new AbortController()]
    const task = pool.run(functionOf('abortable'), { name, words }, { signal: controller.signal })
    await waitForValue(words, 1, 1)
    controller.abort()
    await assert.rejects(task, { name: 'AbortError' })
    assert.equal((await pool.run(functionOf('run'), name)).code, CODE)
  }))

for (const force of [false, true]) {
  test(`close${force ? ' by force' : ''} ends a pool with a deadlock`, () =>
    withPool(1, async (pool, name) => {
      const words = sharedWords()
      const task = pool.run(functionOf('abortable'), { name, words }).catch(error => error)
      await waitForValue(words, 1, 1)
      await pool.close({ force })
      assert.equal((await task).code, force ? 'ERR_OFFLOOP_CLOSED' : CODE)
    }))
}
