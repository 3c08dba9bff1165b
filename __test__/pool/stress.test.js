'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { Pool, transforms, move, spin, panic } = require('../support/fault-addon')

const identity = transforms.identity()
const turn = () => new Promise(resolve => setImmediate(resolve))
const faulty = JSON.stringify(require.resolve('../support/fault-addon'))

/** Returns a random generator that can be replayed. @param {number} seed */
function randomOf(seed) {
  return (/** @type {number} */ below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed % below
  }
}

const workerScript = `
  const { Pool, transforms, spin } = require(${faulty})
  const pool = new Pool({ name: 'storm' })
  const flood = () => {
    for (let i = 0; i < 20; i++) pool.run(i % 5 ? transforms.identity() : spin, 'x').catch(() => {})
    pool.map(transforms.identity(), Array(100).fill('x')).catch(() => {})
    pool.map(transforms.identity(), Array(1000).fill(Buffer.alloc(1024))).catch(() => {})
    setImmediate(flood)
  }
  flood()
  require('node:worker_threads').parentPort.postMessage('busy')
`

/**
 * @param {Pool} pool
 * @param {(below: number) => number} random
 * @param {AbortSignal} signal
 */
function submit(pool, random, signal) {
  const priority = /** @type {const} */ (['high', 'normal', 'low'])[random(3)]
  const size = [1, 3000, 50_000, 1_500_000][random(4)]
  const options = { signal, priority }
  switch (random(10)) {
    case 0:
      return pool.map(identity, Array(random(400)).fill('x'), options)
    case 1:
      return pool.run(identity, move(Buffer.alloc(size)), options)
    case 2:
      return pool.run(spin, Buffer.alloc(size), options)
    case 3:
      return pool.run(panic, 'x', options)
    case 4:
      return pool.ready({ signal })
    case 5:
      return pool.iterate(identity, ['a', 'b', 'c'], options).next()
    case 6:
      return pool.run(identity, move(Buffer.alloc(size)), { ...options, wait: true })
    case 7:
      return pool.run(identity, Buffer.alloc(size), { ...options, wait: true })
    default:
      return pool.run(identity, Buffer.alloc(size), options)
  }
}

const EXPECTED = /^(ERR_OFFLOOP_(QUEUE_FULL|QUEUE_TIMEOUT|CLOSED|PANIC)|ABORT_ERR|20)$/

test('every task settles under random aborts, closes and terminated workers', async t => {
  const seed = Number(process.env.OFFLOOP_SEED ?? Date.now() % 1e9)
  t.diagnostic(`OFFLOOP_SEED=${seed}`)
  const random = randomOf(seed)
  for (let round = 0; round < 25; round++) {
    const pool = new Pool({ name: 'storm', threads: 2, maxQueue: 30, maxQueueBytes: 4 << 20, maxWait: 100 })
    const worker = random(3) === 0 ? new Worker(workerScript, { eval: true }) : undefined
    if (worker) await once(worker, 'message')
    /** @type {Promise<unknown>[]} */
    const tasks = []
    const aborts = Array.from({ length: 5 }, () => new AbortController())
    for (let step = 0; step < 60; step++) {
      try {
        tasks.push(submit(pool, random, aborts[random(aborts.length)].signal))
      } catch (error) {
        tasks.push(Promise.reject(error))
      }
      tasks.at(-1)?.catch(() => {})
      if (random(4) === 0) await turn()
      if (random(20) === 0) aborts[random(aborts.length)].abort()
    }
    const terminated = worker?.terminate()
    const closing = pool.close({ force: random(2) === 0 })
    for (const abort of aborts) abort.abort()
    for (const outcome of await Promise.allSettled(tasks)) {
      if (outcome.status === 'rejected') assert.match(String(outcome.reason.code), EXPECTED, outcome.reason.stack)
    }
    await Promise.all([closing, terminated])
    const after = new Pool({ name: 'storm' })
    // A task of a terminated thread may run until it checks its cancellation.
    while (after.stats().running > 0) await turn()
    assert.deepEqual([after.stats().queued, after.stats().queuedBytes], [0, 0])
    await after.close()
  }
})
