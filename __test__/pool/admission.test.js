'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { Pool, transforms, move, occupy } = require('../support/fault-addon')

const identity = transforms.identity()
const faulty = JSON.stringify(require.resolve('../support/fault-addon'))

test('after ready() a buffer that is too large still stays with its owner', async () => {
  const pool = new Pool({ threads: 2, maxQueueBytes: 1000 })
  const { release } = occupy(pool, 1)
  const buffer = Buffer.alloc(2000)
  await pool.ready()
  await assert.rejects(pool.run(identity, move(buffer)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  assert.equal(buffer.length, 2000)
  await release()
  while (pool.stats().running > 0) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([pool.stats().queued, pool.stats().queuedBytes], [0, 0])
  await pool.close()
})

test('after a refusal for bytes ready() waits for as many', async () => {
  const pool = new Pool({ threads: 2, maxQueueBytes: 1000 })
  const { release } = occupy(pool, 1)
  await assert.rejects(pool.run(identity, Buffer.alloc(1000)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  let isReady = false
  const ready = pool.ready().then(() => {
    isReady = true
    return pool.run(identity, Buffer.alloc(1000))
  })
  // A small one that comes later has its turn of the loop and its room meanwhile.
  await pool.run(identity, 'x')
  assert.equal(isReady, false)
  await release()
  assert.equal((await ready).length, 1000)
  await pool.close()
})

test('whoever waited is served before whoever comes back', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const first = pool.run(identity, 'first')
  const waited = (async () => {
    await pool.ready()
    return pool.run(identity, 'waited')
  })()
  const again = first.then(() => pool.run(identity, 'again'))
  // Whether there is room again by the time it comes back is chance; the one who waited has its room.
  const came = again.catch(error => error.code)
  assert.equal(String(await waited), 'waited')
  assert.match(String(await came), /^(again|ERR_OFFLOOP_QUEUE_FULL)$/)
  await pool.close()
})

test('whoever comes back along with the grant does not take it', async () => {
  for (let round = 0; round < 200; round++) {
    const pool = new Pool({ threads: 1, maxQueue: 0 })
    const first = pool.run(identity, 'first')
    const waited = pool.ready().then(() => pool.run(identity, 'waited'))
    const again = first.then(() => pool.run(identity, 'again')).catch(error => error.code)
    // The loop stands still until the outcome is there, so that the grant may come with it.
    while (pool.stats().completed < 1);
    assert.equal(String(await waited), 'waited')
    await again
    await pool.close()
  }
})

test('a worker that ends with thousands in line takes them out of it', async () => {
  const pool = new Pool({ name: 'line', threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  const worker = new Worker(
    `
      const { Pool } = require(${faulty})
      const pool = new Pool({ name: 'line' })
      for (let i = 0; i < 20_000; i++) pool.ready().catch(() => {})
      require('node:worker_threads').parentPort.postMessage('waiting')
    `,
    { eval: true }
  )
  await once(worker, 'message')
  await worker.terminate()
  await release()
  await pool.ready()
  assert.equal(String(await pool.run(identity, 'x')), 'x')
  await pool.close()
})

test('a map that waits for bytes does not turn small tasks away, and counts nothing as rejected', async () => {
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

test('the time that a large input takes to be copied is no waiting', async () => {
  const pool = new Pool({ threads: 1, maxWait: 500 })
  const running = pool.run(identity, Buffer.alloc(128 << 20))
  // The loop is busy with something else before the rest is copied.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
  assert.equal((await running).length, 128 << 20)
  await pool.close()
})

test('a name is free as soon as its last pool is closed', async () => {
  for (let i = 0; i < 200; i++) {
    const pool = new Pool({ name: 'again', threads: 1 + (i % 2) })
    await pool.run(identity, 'x')
    await pool.close()
  }
})

test('a small task does not wait for a large one that has left a thread idle', async () => {
  const pool = new Pool({ threads: 2 })
  const input = Buffer.alloc(16 << 20, 'a long text that is repeated ')
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

test('small tasks without an end do not starve whoever waits for many bytes', async () => {
  const pool = new Pool({ threads: 2, maxQueueBytes: 1000 })
  const { release } = occupy(pool, 1)
  await assert.rejects(pool.run(identity, Buffer.alloc(1000)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  let isReady = false
  const ready = pool.ready().then(() => {
    isReady = true
    return pool.run(identity, Buffer.alloc(1000))
  })
  // There are always 400 bytes under way, and 1,000 never free, unless the small ones are turned away.
  let turnedAway = false
  /** @type {Promise<unknown>} */
  let previous = pool.run(identity, Buffer.alloc(400))
  while (!turnedAway) {
    const next = pool.run(identity, Buffer.alloc(400))
    next.catch(error => {
      turnedAway = error.code === 'ERR_OFFLOOP_QUEUE_FULL'
    })
    await previous
    previous = next.catch(() => {})
  }
  assert.equal(isReady, false)
  await release()
  assert.equal((await ready).length, 1000)
  await pool.close()
})

test('20,000 waiters leave at once when the pool closes', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  const waiting = Array.from({ length: 20_000 }, () => pool.ready())
  const closed = pool.close({ force: true })
  const outcomes = await Promise.allSettled(waiting)
  assert.ok(outcomes.every(it => it.status === 'rejected' && it.reason.code === 'ERR_OFFLOOP_CLOSED'))
  await release()
  await closed
})
