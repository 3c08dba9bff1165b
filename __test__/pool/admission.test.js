'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { Pool, transforms, occupy } = require('../support/fault-addon')

const identity = transforms.identity()
const faulty = JSON.stringify(require.resolve('../support/fault-addon'))

test('a waiting call is admitted before one whose task has just settled', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const first = pool.run(identity, 'first')
  const waited = pool.run(identity, 'waited', { wait: true })
  const again = first.then(() => pool.run(identity, 'again'))
  // The second call may or may not find capacity; the waiting one has its reservation.
  const outcome = again.catch(error => error.code)
  assert.equal(String(await waited), 'waited')
  assert.match(String(await outcome), /^(again|ERR_OFFLOOP_QUEUE_FULL)$/)
  await pool.close()
})

test('a terminated worker removes its thousands of waiters from the queue', async () => {
  const pool = new Pool({ name: 'waiters', threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  const worker = new Worker(
    `
      const { Pool } = require(${faulty})
      const pool = new Pool({ name: 'waiters' })
      for (let i = 0; i < 20_000; i++) pool.ready().catch(() => {})
      require('node:worker_threads').parentPort.postMessage('waiting')
    `,
    { eval: true }
  )
  await once(worker, 'message')
  await worker.terminate()
  await release()
  assert.equal(String(await pool.run(identity, 'x', { wait: true })), 'x')
  await pool.close()
})

test('a map that waits for bytes neither rejects small tasks nor counts rejections', async () => {
  const pool = new Pool({ threads: 1, maxQueueBytes: 100_000 })
  const { release } = occupy(pool)
  const mapped = pool.map(identity, Array(10).fill(Buffer.alloc(60_000)))
  const small = pool.run(identity, 'x')
  assert.equal(pool.stats().rejected, 0)
  await release()
  assert.equal(String(await small), 'x')
  assert.equal((await mapped).length, 10)
  assert.equal(pool.stats().rejected, 0)
  await pool.close()
})

test('the time for copying a large input does not count toward maxWait', async () => {
  const pool = new Pool({ threads: 1, maxWait: 500 })
  const running = pool.run(identity, Buffer.alloc(128 << 20))
  // Blocks the event loop before the rest is copied.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
  assert.equal((await running).length, 128 << 20)
  await pool.close()
})

test('close releases the name of the last pool', async () => {
  for (let i = 0; i < 200; i++) {
    const pool = new Pool({ name: 'again', threads: 1 + (i % 2) })
    await pool.run(identity, 'x')
    await pool.close()
  }
})

test('a small task does not wait for a large one if a thread is idle', async () => {
  const pool = new Pool({ threads: 2 })
  const input = Buffer.alloc(16 << 20, 'a repeated text ')
  const long = transforms.chain(
    transforms.gzip(),
    transforms.gzip({ level: 0 }),
    transforms.brotliCompress({ quality: 0 })
  )
  for (let i = 0; i < 10; i++) {
    const abort = new AbortController()
    let isLongDone = false
    const running = pool
      .run(transforms.chain(long, require('../support/fault-addon').spin), input, { signal: abort.signal })
      .finally(() => {
        isLongDone = true
      })
    while (pool.stats().running === 0) await new Promise(resolve => setImmediate(resolve))
    assert.equal(String(await pool.run(identity, 'small')), 'small')
    assert.equal(isLongDone, false)
    abort.abort()
    await assert.rejects(running, { name: 'AbortError' })
  }
  await pool.close()
})

test('an endless sequence of small tasks does not starve a waiter for many bytes', async () => {
  const pool = new Pool({ threads: 2, maxQueueBytes: 1000 })
  const { release } = occupy(pool, 1)
  let isDone = false
  const waits = pool.run(identity, Buffer.alloc(1000), { wait: true }).finally(() => {
    isDone = true
  })
  // 400 bytes are always in flight, so 1,000 are never free unless small tasks are rejected.
  let isRejected = false
  /** @type {Promise<unknown>} */
  let previous = pool.run(identity, Buffer.alloc(400))
  while (!isRejected) {
    const next = pool.run(identity, Buffer.alloc(400))
    next.catch(error => {
      isRejected = error.code === 'ERR_OFFLOOP_QUEUE_FULL'
    })
    await previous
    previous = next.catch(() => {})
  }
  assert.equal(isDone, false)
  await release()
  assert.equal((await waits).length, 1000)
  await pool.close()
})

test('closing the pool rejects 20,000 waiters together', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  const waiting = Array.from({ length: 20_000 }, () => pool.ready())
  const closed = pool.close({ force: true })
  const outcomes = await Promise.allSettled(waiting)
  assert.ok(outcomes.every(it => it.status === 'rejected' && it.reason.code === 'ERR_OFFLOOP_CLOSED'))
  await release()
  await closed
})
