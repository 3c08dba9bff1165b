'use strict'

// The message of a rejection names the rule that decided it: docs/internals/admission.md.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { OffloopError, OverloadError, Pool, transforms, occupy } = require('../support/fault-addon')

const identity = transforms.identity()
const FULL = 'ERR_OFFLOOP_QUEUE_FULL'
const CLOSED = 'ERR_OFFLOOP_CLOSED'

/**
 * Makes a pool whose thread is occupied.
 * @param {import('node:test').TestContext} t
 * @param {import('../..').PoolOptions} options
 */
function busyPool(t, options) {
  const pool = new Pool({ ...options, threads: 1 })
  t.after(() => pool.close({ force: true }))
  return { pool, ...occupy(pool) }
}

test('messages name the pool, if it has a name', async t => {
  for (const [name, start] of /** @type {[string | undefined, string][]} */ ([
    [undefined, 'The pool is full: 1 task is admitted (threads 1 + maxQueue 0)'],
    ['images', "The pool 'images' is full: 1 task is admitted (threads 1 + maxQueue 0)"]
  ])) {
    const { pool } = busyPool(t, { name, maxQueue: 0 })
    assert.equal(pool.name, name)
    const error = await pool.run(identity, 'x').catch(error => error)
    assert.ok(error instanceof OverloadError && error instanceof OffloopError)
    assert.deepEqual([error.name, error.code, error.statusCode], ['OverloadError', FULL, 503])
    assert.equal(error.transform, 'identity')
    assert.ok(error.message.startsWith(start), error.message)
  }
  const { pool } = busyPool(t, { maxWait: 5 })
  await assert.rejects(pool.run(identity, 'x'), {
    transform: 'identity',
    message: /^The task waited in the queue of the pool for longer/
  })
})

test('a full pool names the bound that is reached', async t => {
  const { pool, release } = busyPool(t, { maxQueue: 1, maxQueueBytes: 100 })
  await assert.rejects(pool.run(identity, Buffer.alloc(200)), {
    code: FULL,
    transform: 'identity',
    message: /the input of 200 bytes does not fit .*maxQueueBytes 100/
  })
  for (const [text, bytes] of /** @type {[string, number][]} */ ([
    ['é'.repeat(100), 200],
    ['é'.repeat(1e6), 2e6]
  ])) {
    await assert.rejects(pool.run(identity, text), { code: FULL, message: new RegExp(`the input of ${bytes} bytes`) })
  }
  const queued = pool.run(identity, 'x')
  await assert.rejects(pool.run(identity, 'x'), { code: FULL, message: /2 tasks are admitted/ })
  await release()
  await queued
})

test('after 256 tasks that passed a waiter for bytes the next one is rejected', async t => {
  const { pool, release } = busyPool(t, { maxQueue: 1000, maxQueueBytes: 1000 })
  const large = pool.run(identity, Buffer.alloc(500))
  await assert.rejects(pool.run(identity, Buffer.alloc(900)), { code: FULL })
  const waits = pool.run(identity, Buffer.alloc(900), { wait: true })
  const small = Array.from({ length: 256 }, () => pool.run(identity, 'x'))
  await assert.rejects(pool.run(identity, 'x'), { code: FULL, message: /does not fit/ })
  await release()
  await Promise.all([large, waits, ...small])
})

test('a closed pool distinguishes new tasks from those cancelled by force', async t => {
  const { pool } = busyPool(t, { maxQueue: 1 })
  const admitted = pool.run(identity, 'x')
  const waits = pool.ready()
  const closed = pool.close({ force: true })
  await assert.rejects(admitted, { code: CLOSED, message: /closed by force/ })
  await assert.rejects(waits, { code: CLOSED, message: /accepts no more tasks/ })
  await assert.rejects(pool.run(identity, 'x'), { code: CLOSED, message: /accepts no more tasks/ })
  await closed
})
