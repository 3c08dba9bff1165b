'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { Pool, pool, transforms, occupy } = require('../support/fault-addon')
const { threadNames } = require('../support/threads')

const index = JSON.stringify(require.resolve('../..'))
const faulty = JSON.stringify(require.resolve('../support/fault-addon'))
const turn = () => new Promise(resolve => setImmediate(resolve))

/** @param {string} script */
const start = script => new Worker(script, { eval: true })

test('several threads run tasks concurrently', async () => {
  const workers = Array.from({ length: 6 }, (_, i) =>
    start(`
      const { parentPort } = require('node:worker_threads')
      const { pool, transforms } = require(${index})
      const inputs = Array.from({ length: 2000 }, (_, n) => '${i}:' + n)
      Promise.all([
        pool.map(transforms.identity(), inputs),
        Promise.all(inputs.slice(0, 100).map(input => pool.run(transforms.identity(), input)))
      ]).then(([mapped, run]) => {
        parentPort.postMessage(mapped.every((out, n) => String(out) === inputs[n]) && run.every((out, n) => String(out) === inputs[n]))
      })
    `)
  )
  const answers = await Promise.all(workers.map(worker => once(worker, 'message')))
  assert.deepEqual(
    answers.map(([answer]) => answer),
    Array(6).fill(true)
  )
  await Promise.all(workers.map(worker => worker.terminate()))
})

test('a worker exits when its tasks are done', async () => {
  const worker = start(`
    const { pool, transforms } = require(${index})
    pool.run(transforms.identity(), 'x')
  `)
  assert.deepEqual(await once(worker, 'exit'), [0])
})

test('terminating 50 workers with tasks in flight does not crash or leak', async () => {
  const before = pool.stats()
  for (let i = 0; i < 50; i++) {
    const worker = start(`
      const { parentPort } = require('node:worker_threads')
      const { pool, Pool, transforms, move, spin } = require(${faulty})
      const own = new Pool({ name: 'own', threads: 1 })
      const identity = transforms.identity()
      const flood = () => {
        for (let n = 0; n < 50; n++) {
          pool.run(identity, 'x').catch(() => {})
          pool.run(identity, move(Buffer.alloc(70_000))).catch(() => {})
          pool.run(identity, Buffer.alloc(2 << 20)).catch(() => {})
        }
        pool.map(identity, Array(1000).fill('x')).catch(() => {})
        own.run(spin, move(Buffer.alloc(70_000))).catch(() => {})
        own.run(identity, 'queued').catch(() => {})
        own.ready().catch(() => {})
        setImmediate(flood)
      }
      flood()
      parentPort.postMessage('busy')
    `)
    await once(worker, 'message')
    for (let turns = i % 10; turns > 0; turns--) await turn()
    await worker.terminate()
  }
  while (pool.stats().running > 0) await turn()
  const { queued, queuedBytes, completed } = pool.stats()
  assert.deepEqual([queued, queuedBytes], [0, 0])
  assert.ok(completed > before.completed)
  if (process.platform === 'linux') while (threadNames('offloop-own').length > 0) await turn()
  assert.equal(String(await pool.run(transforms.identity(), 'x')), 'x')
})

test('a named pool shares its queue, limits and counters across threads', async () => {
  const shared = new Pool({ name: 'shared', threads: 1, maxQueue: 1 })
  const { release } = occupy(shared)
  const worker = start(`
    const { parentPort } = require('node:worker_threads')
    const { Pool, transforms } = require(${index})
    const shared = new Pool({ name: 'shared' })
    const identity = transforms.identity()
    const queued = shared.run(identity, 'x')
    const stats = shared.stats()
    shared.run(identity, 'y').catch(error => parentPort.postMessage({ code: error.code, stats, threads: shared.threads }))
    queued.then(value => parentPort.postMessage(String(value)))
  `)
  const [{ code, stats, threads }] = await once(worker, 'message')
  assert.deepEqual([code, stats.running, stats.queued, threads], ['ERR_OFFLOOP_QUEUE_FULL', 1, 1, 1])
  assert.deepEqual([shared.stats().queued, shared.stats().rejected], [1, 1])
  await assert.rejects(shared.run(transforms.identity(), 'z'), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  const result = once(worker, 'message')
  await release()
  assert.deepEqual(await result, ['x'])
  assert.equal(shared.stats().completed, 1)
  assert.throws(() => new Pool({ name: 'shared', threads: 2, maxQueue: 1, maxWait: 10 }), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message:
      "A pool named 'shared' exists with threads = 1, maxWait = undefined. Received threads = 2, maxWait = 10. " +
      'Leave these options out to join the existing pool'
  })
  await new Pool({ name: 'shared', maxQueue: 1 }).close()
  await worker.terminate()
  await shared.close()
  await new Pool({ name: 'shared', threads: 2 }).close()
})

test('closing a named pool in one thread does not close it in others', async () => {
  const shared = new Pool({ name: 'left', threads: 1 })
  const worker = start(`
    const { Pool, transforms } = require(${index})
    const shared = new Pool({ name: 'left' })
    shared.run(transforms.identity(), 'x').then(() => shared.close({ force: true }))
  `)
  assert.deepEqual(await once(worker, 'exit'), [0])
  assert.equal(String(await shared.run(transforms.identity(), 'x')), 'x')
  assert.equal(shared.stats().completed, 2)
  await shared.close()
})
