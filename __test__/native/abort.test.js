'use strict'

const assert = require('node:assert/strict')
const { getEventListeners } = require('node:events')
const { test } = require('node:test')
const { Pool, move, pool, transforms, occupy, spin } = require('../support/fault-addon')

const identity = transforms.identity()
const turn = () => new Promise(resolve => setImmediate(resolve))

/** @param {AbortSignal} signal */
const listeners = signal => getEventListeners(signal, 'abort').length

test('an aborted signal never starts the task', async () => {
  const own = new Pool({ threads: 1 })
  const reason = { why: 'anything' }
  await assert.rejects(own.run(identity, 'x', { signal: AbortSignal.abort(reason) }), error => error === reason)
  const { completed, cancelled, queued } = own.stats()
  assert.deepEqual([completed, cancelled, queued], [0, 0, 0])
  await own.close()
})

test('an aborted queued task leaves the queue immediately', async () => {
  const own = new Pool({ threads: 1, maxQueue: 2 })
  const { release } = occupy(own)
  const abort = new AbortController()
  const queued = [1, 2].map(() => own.run(identity, Buffer.alloc(1000), { signal: abort.signal }))
  await assert.rejects(own.run(identity, 'x'), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  abort.abort()
  assert.deepEqual([own.stats().queued, own.stats().queuedBytes, own.stats().cancelled], [0, 1, 2])
  const next = own.run(identity, 'x')
  for (const promise of queued) await assert.rejects(promise, { name: 'AbortError' })
  await release()
  await next
  await own.close()
})

test('an aborted running task rejects immediately and frees its thread', async () => {
  const own = new Pool({ threads: 1 })
  const abort = new AbortController()
  const running = own.run(spin, 'x', { signal: abort.signal })
  while (own.stats().running === 0) await turn()
  const reason = new Error('enough')
  let rejected
  running.catch(error => {
    rejected = error
  })
  abort.abort(reason)
  await Promise.resolve()
  assert.equal(rejected, reason)
  assert.equal(String(await own.run(identity, 'next')), 'next')
  assert.equal(own.stats().cancelled, 1)
  await own.close()
})

test('an abort after the end and a second abort have no effect', async () => {
  const abort = new AbortController()
  assert.equal(String(await pool.run(identity, 'x', { signal: abort.signal })), 'x')
  assert.equal(listeners(abort.signal), 0)
  abort.abort()
  abort.abort()
})

test('one signal for 100,000 tasks has one listener while they run, none afterwards, and no warning', async () => {
  /** @type {Error[]} */
  const warnings = []
  const warn = (/** @type {Error} */ warning) => warnings.push(warning)
  process.on('warning', warn)
  const { signal } = new AbortController()
  for (let done = 0; done < 100_000; done += 500) {
    const tasks = Array.from({ length: 500 }, () => pool.run(identity, 'x', { signal }))
    assert.equal(listeners(signal), 1)
    await Promise.all(tasks)
  }
  assert.equal(listeners(signal), 0)
  await pool.map(identity, Array(1000).fill('x'), { signal })
  assert.equal(listeners(signal), 0)
  await turn()
  process.off('warning', warn)
  assert.deepEqual(warnings, [])
})

test('an abort at any time settles every task and frees its slot and bytes', async () => {
  const own = new Pool({ threads: 2, maxQueue: 50 })
  const sizes = [1, 5000, 200_000, 2 << 20]
  let seed = 12345
  const random = (/** @type {number} */ below) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % below
  }
  for (let round = 0; round < 300; round++) {
    const aborts = Array.from({ length: 8 }, () => new AbortController())
    const tasks = aborts.map(({ signal }, i) => {
      const transform = i % 4 === 0 ? spin : identity
      return own.run(transform, Buffer.alloc(sizes[random(sizes.length)]), { signal })
    })
    const outcomes = Promise.allSettled(tasks)
    for (const abort of aborts) {
      for (let turns = random(3); turns > 0; turns--) await turn()
      abort.abort()
    }
    await outcomes
    for (const { signal } of aborts) assert.equal(listeners(signal), 0)
  }
  while (own.stats().running > 0) await turn()
  const { queued, queuedBytes } = own.stats()
  assert.deepEqual([queued, queuedBytes], [0, 0])
  await own.close()
})

test('stopImmediatePropagation of another listener does not prevent an abort', async () => {
  const own = new Pool({ threads: 1 })
  const { release } = occupy(own)
  const abort = new AbortController()
  abort.signal.addEventListener('abort', event => event.stopImmediatePropagation())
  const queued = own.run(identity, 'x', { signal: abort.signal })
  abort.abort()
  await assert.rejects(queued, { name: 'AbortError' })
  await release()
  await own.close()
})

test('a task that fails during submission leaves no listener', async () => {
  const abort = new AbortController()
  const module = transforms.worker('node:querystring', { export: 'escape' })
  for (const transform of [module, transforms.chain(module, module)]) {
    const input = move({ f() {} }, [new ArrayBuffer(8)])
    await assert.rejects(pool.run(transform, input, { signal: abort.signal }), { name: 'DataCloneError' })
    assert.equal(listeners(abort.signal), 0)
  }
})
