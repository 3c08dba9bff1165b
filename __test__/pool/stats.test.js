'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, transforms, occupy, panic } = require('../support/fault-addon')

const identity = transforms.identity()

test('counts outcomes by transform', async () => {
  const pool = new Pool({ threads: 2, maxQueue: 1 })
  await pool.run(identity, 'x')
  await assert.rejects(pool.run(panic, 'x'))
  const { release } = occupy(pool)
  const abort = new AbortController()
  const queued = pool.run(identity, 'x', { signal: abort.signal })
  await assert.rejects(pool.run(identity, 'x'))
  abort.abort()
  await assert.rejects(queued)
  const stats = pool.stats()
  assert.deepEqual([stats.threads, stats.running, stats.queued], [2, 2, 0])
  await release()
  await pool.close().then(() => assert.throws(() => pool.stats(), { code: 'ERR_OFFLOOP_CLOSED' }))
  assert.deepEqual([stats.completed, stats.failed, stats.cancelled, stats.rejected], [1, 1, 1, 1])
  assert.deepEqual(Object.keys(stats.byTransform).sort(), ['fault.panic', 'identity'])
  assert.deepEqual([stats.byTransform.identity.completed, stats.byTransform['fault.panic'].failed], [1, 1])
  const { count, mean, p50, p90, p99, max } = stats.runTime
  assert.equal(count, 2)
  assert.ok(mean > 0 && p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= max)
})

test('counts each caller that waits once, until its wait ends', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  const waiting = () => pool.stats().waiting
  assert.equal(waiting(), 0)
  const abort = new AbortController()
  const aborted = pool.run(identity, 'x', { wait: true, signal: abort.signal })
  /** @type {Promise<unknown>[]} */
  const calls = [pool.run(identity, 'x', { wait: true }), pool.ready(), pool.map(identity, Array(1000).fill('x'))]
  const results = pool.iterate(identity, Array(1000).fill('x'))
  calls.push(results.next())
  assert.equal(waiting(), 5)
  await assert.rejects(pool.run(identity, 'x'), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  abort.abort()
  await assert.rejects(aborted)
  assert.equal(waiting(), 4)
  await release()
  await Promise.all(calls)
  await results.return?.()
  assert.equal(waiting(), 0)
  await pool.close()
})

test('utilization is the fraction of the threads that was used', async () => {
  const pool = new Pool({ threads: 1 })
  const { release } = occupy(pool)
  while (pool.stats().utilization < 0.9) await new Promise(resolve => setImmediate(resolve))
  assert.ok(pool.stats().utilization <= 1)
  await release()
  await pool.close()
})

test('counts each input of a map', async () => {
  const pool = new Pool({ threads: 2 })
  await pool.map(identity, Array(5000).fill('x'))
  const { completed, waitTime, runTime } = pool.stats()
  assert.deepEqual([completed, waitTime.count, runTime.count], [5000, 5000, 5000])
  await pool.close()
})
