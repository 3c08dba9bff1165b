'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createServer, get } = require('node:http')
const { test } = require('node:test')
const { Pool, transforms, occupy, spin } = require('../support/fault-addon')

const identity = transforms.identity()
const full = { name: 'OverloadError', code: 'ERR_OFFLOOP_QUEUE_FULL' }

test('admits threads + maxQueue tasks, and rejects the next one with advice', async () => {
  const pool = new Pool({ threads: 2, maxQueue: 3 })
  const { release } = occupy(pool)
  const queued = [1, 2, 3].map(() => pool.run(identity, 'x'))
  await assert.rejects(pool.run(identity, 'x'), { ...full, message: /threads 2 \+ maxQueue 3.*\{ wait: true \}/ })
  const { running, queued: waiting, queuedBytes, rejected } = pool.stats()
  assert.deepEqual([running, waiting, queuedBytes, rejected], [2, 3, 5, 1])
  await release()
  await Promise.all(queued)
  await pool.close()
})

test('maxQueue 0 admits only tasks that can start immediately', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  await assert.rejects(pool.run(identity, 'x'), {
    ...full,
    message: /: 1 task is admitted \(threads 1 \+ maxQueue 0\)/
  })
  await release()
  assert.equal((await pool.run(identity, 'x', { wait: true })).toString(), 'x')
  await pool.close()
})

test('admits at most maxQueueBytes, except for a single larger input', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10, maxQueueBytes: 1000 })
  assert.equal((await pool.run(identity, Buffer.alloc(5000))).length, 5000)
  const { release } = occupy(pool)
  const queued = pool.run(identity, Buffer.alloc(900))
  await assert.rejects(pool.run(identity, Buffer.alloc(100)), { ...full, message: /maxQueueBytes 1000/ })
  assert.equal(pool.stats().queuedBytes, 901)
  await release()
  await queued
  assert.equal(pool.stats().queuedBytes, 0)
  await pool.close()
})

test('10,000 rejected tasks use no memory', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10 })
  const { release } = occupy(pool)
  const input = Buffer.alloc(100_000)
  const queued = Array.from({ length: 10 }, () => pool.run(identity, input))
  const reject = async () => assert.rejects(pool.run(identity, input), full)
  await reject()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 10_000; i++) await reject()
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 50 << 20, `memory grew by ${grown} bytes for 10,000 rejected tasks of 100 kB`)
  assert.equal(pool.stats().queued, 10)
  assert.equal(pool.stats().rejected, 10_001)
  await release()
  await Promise.all(queued)
  await pool.close()
})

test('maxWait rejects tasks that waited too long, while the threads are still busy', async () => {
  const [pool, patient] = [30, 600_000].map(maxWait => new Pool({ threads: 1, maxWait }))
  const { release } = occupy(pool)
  const other = occupy(patient)
  const waits = patient.run(identity, 'x')
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => pool.run(identity, 'x')))
  for (const outcome of outcomes) {
    assert.equal(outcome.status, 'rejected')
    const { code, message, transform } = /** @type {any} */ (outcome).reason
    assert.deepEqual([code, transform], ['ERR_OFFLOOP_QUEUE_TIMEOUT', 'identity'])
    assert.match(message, /longer than maxWait \(30 ms\)/)
  }
  assert.deepEqual([pool.stats().queued, pool.stats().rejected], [0, 3])
  assert.deepEqual([patient.stats().queued, patient.stats().rejected], [1, 0])
  await other.release()
  await waits
  await patient.close()
  await release()
  assert.equal((await pool.run(identity, 'x')).toString(), 'x')
  await pool.close()
})

test('a full pool sheds load over HTTP and recovers', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 2 })
  const server = createServer((_, response) => {
    pool.run(identity, 'x').then(
      body => response.end(body),
      error => response.writeHead(error.code === 'ERR_OFFLOOP_QUEUE_FULL' ? 503 : 500).end()
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const status = () =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: false }, response => {
        response.resume().on('end', () => resolve(response.statusCode))
      }).on('error', reject)
    })
  const { release } = occupy(pool)
  const admitted = [pool.run(identity, 'x'), pool.run(identity, 'x')]
  assert.deepEqual(await Promise.all([status(), status()]), [503, 503])
  await release()
  await Promise.all(admitted)
  assert.equal(await status(), 200)
  server.close()
  await pool.close()
})

test("the test double 'spin' stops when its signal aborts", async () => {
  const pool = new Pool({ threads: 1 })
  await assert.rejects(pool.run(spin, 'x', { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
  await pool.close()
})
