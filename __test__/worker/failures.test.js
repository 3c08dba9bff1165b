'use strict'

// A failure in a user function affects only its task and, at most, the thread that ran it.

const assert = require('node:assert/strict')
const { getEventListeners } = require('node:events')
const { mkdtempSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { Pool, transforms } = require('../..')
const { fixture, userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')

/**
 * @param {string} name
 * @param {(pool: Pool) => Promise<void>} body
 * @param {import('../..').PoolOptions} [options]
 */
function faulty(name, body, options = { threads: 1 }) {
  test(name, async () => {
    const pool = new Pool(options)
    await body(pool)
    assert.equal(await pool.run(userFunction('double'), 4), 8, 'the pool still works')
    const { running, queued, queuedBytes } = pool.stats()
    assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
    await pool.close()
  })
}

const functions = pathToFileURL(fixture('functions.js')).href
const lost = { name: 'OffloopError', code: 'ERR_OFFLOOP_WORKER_EXIT', transform: 'worker' }

faulty('process.exit() rejects its task', async pool => {
  await assert.rejects(pool.run(userFunction('exit'), 7), {
    ...lost,
    message: `The worker thread of 'exit' in ${functions} ended before the task did: exit code 7`
  })
})

faulty('an uncaught exception is the cause of the rejection', async pool => {
  await assert.rejects(pool.run(userFunction('crash'), 0), error => {
    const { code, cause } = /** @type {any} */ (error)
    assert.deepEqual([code, cause.message, cause.code], ['ERR_OFFLOOP_WORKER_EXIT', 'uncaught', 'ERR_CRASH'])
    return true
  })
})

faulty(
  'out of memory ends the thread, not the process',
  async pool => {
    await assert.rejects(pool.run(userFunction('fill'), 0), { ...lost, message: /ran out of memory/ })
  },
  { threads: 1, workers: { resourceLimits: { maxOldGenerationSizeMb: 20, maxYoungGenerationSizeMb: 4 } } }
)

faulty('a thread that crashes while idle is replaced and reported', async pool => {
  /** @type {any[]} */
  const warnings = []
  const listener = (/** @type {Error} */ warning) => warnings.push(warning)
  process.on('warning', listener)
  let failed = 0
  const first = await pool.run(userFunction('crashLater'), 0)
  // The exception follows the result: it fails a task of that thread, or becomes a warning if there is none.
  while (failed + warnings.length === 0) {
    const [next] = await Promise.allSettled([pool.run(userFunction('thread'), 0)])
    if (next.status === 'fulfilled') continue
    failed++
    assert.equal(next.reason.code, 'ERR_OFFLOOP_WORKER_EXIT')
  }
  assert.notEqual(await pool.run(userFunction('thread'), 0), first)
  process.off('warning', listener)
  assert.equal(failed + warnings.length, 1)
  for (const { code, message } of warnings) {
    assert.equal(code, 'ERR_OFFLOOP_WORKER_EXIT')
    const [before, after] = message.split(functions)
    assert.match(before, /^The worker thread that last ran '(crashLater|thread)' in $/)
    assert.equal(after, ' ended between two tasks: uncaught: Error: while idle')
  }
})

test('a top-level await that never settles rejects its tasks', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const file = fixture('unsettled.mjs')
  const unsettled = {
    ...lost,
    message: `The module ${pathToFileURL(file)} has a top-level await that never settles`
  }
  const never = transforms.worker(file)
  const thread = await pool.run(userFunction('thread'), 0)
  const first = [pool.run(never, 1), pool.run(never, 2)]
  for (const task of first) await assert.rejects(task, unsettled)
  await assert.rejects(pool.run(never, 3), unsettled)
  assert.equal(await pool.run(userFunction('thread'), 0), thread)
  await assert.rejects(pool.run(transforms.workerScript(file), 0), {
    code: 'ERR_OFFLOOP_WORKER_EXIT',
    message: `The script ${pathToFileURL(file)} ended with exit code 13 and posted no message. Node.js exits with code 13 if a top-level await never settles`
  })
})

test('a top-level await may take its time', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  assert.deepEqual(await pool.run(transforms.worker(fixture('slow-await.mjs')), 'x'), ['x', 'timer', 'file', 'other'])
  // The thread still waits for messages.
  assert.equal(await pool.run(userFunction('double'), 4), 8)
})

test('aborts a running task with an unreadable reason', async t => {
  const pool = new Pool({ threads: 1, workers: { gracePeriod: 1 } })
  t.after(() => pool.close())
  const shared = sharedWords()
  const controller = new AbortController()
  const others = [pool.run(userFunction('hang'), shared, { signal: controller.signal })]
  others.push(pool.run(userFunction(), 'queued', { signal: controller.signal }))
  await waitForValue(shared, 0, 1)
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const settled = Promise.allSettled(others)
  controller.abort(proxy)
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['rejected', 'rejected']
  )
})

faulty('an abort ends an infinite loop', async pool => {
  const shared = sharedWords()
  const controller = new AbortController()
  const promise = pool.run(userFunction('hang'), shared, { signal: controller.signal })
  await waitForValue(shared, 0, 1)
  controller.abort(new Error('enough'))
  await assert.rejects(promise, { message: 'enough' })
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

faulty('an abort rejects a task whose promise never settles', async pool => {
  await assert.rejects(pool.run(userFunction('never'), 0, { signal: AbortSignal.timeout(20) }), {
    name: 'TimeoutError'
  })
})

faulty('a function receives the abort and its reason', async pool => {
  const shared = sharedWords()
  const controller = new AbortController()
  const promise = pool.run(userFunction('polite'), shared, { signal: controller.signal })
  await waitForValue(shared, 0, 1)
  controller.abort()
  await assert.rejects(promise, { name: 'AbortError' })
  await waitForValue(shared, 1, 1)
  assert.equal(shared[1], 1)
})

faulty('an aborted signal starts no task', async pool => {
  const shared = sharedWords()
  await assert.rejects(pool.run(userFunction('hang'), shared, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  await pool.run(userFunction(), 1)
  assert.equal(shared[0], 0)
})

faulty('an abort removes a waiting task from the queue', async pool => {
  const [shared, never] = [sharedWords(), sharedWords()]
  const running = pool.run(userFunction('meet'), shared)
  await waitForValue(shared, 0, 1)
  const controller = new AbortController()
  const waiting = pool.run(userFunction('hang'), never, { signal: controller.signal })
  assert.equal(pool.stats().queued, 1)
  controller.abort()
  assert.equal(pool.stats().queued, 0)
  await assert.rejects(waiting, { name: 'AbortError' })
  release(shared)
  await running
  assert.equal(never[0], 0)
})

faulty('tasks queued behind one that ends its thread run in another thread', async pool => {
  // Tasks measured as fast are batched.
  await pool.map(userFunction('exit'), []).catch(() => {})
  for (let i = 0; i < 50; i++) await pool.run(userFunction('double'), i)
  const module = userFunction('double')
  const all = [0, 1, 2, 3].flatMap(n => [pool.run(module, n), pool.run(userFunction('exit'), n)])
  const settled = await Promise.allSettled(all)
  for (const [index, result] of settled.entries()) {
    if (index % 2 === 0) assert.deepEqual(result, { status: 'fulfilled', value: index })
    else assert.equal(result.status === 'rejected' && result.reason.code, 'ERR_OFFLOOP_WORKER_EXIT')
  }
})

faulty('only started tasks of a batch fail with their thread', async pool => {
  const { exports } = scratch(`
    let n = 0
    module.exports = (value) => value === 'exit' ? process.exit(1) : value
  `)
  for (let i = 0; i < 100; i++) await pool.run(exports, i)
  const values = [...Array(20).keys(), 'exit', ...Array(20).keys()]
  const settled = await Promise.allSettled(values.map(value => pool.run(exports, value)))
  const statuses = settled.map(({ status }) => status)
  assert.equal(statuses[20], 'rejected')
  assert.deepEqual(new Set(statuses.slice(21)), new Set(['fulfilled']))
})

faulty(
  'a task does not wait for a slow one of its batch',
  async pool => {
    const { exports } = scratch(`
      module.exports = (words) => {
        if (words === undefined) return
        Atomics.add(words, 0, 1)
        if (words[0] === 1) while (Atomics.load(words, 1) === 0) Atomics.wait(words, 1, 0)
        else { Atomics.store(words, 1, 1); Atomics.notify(words, 1) }
      }
    `)
    for (let i = 0; i < 200; i++) await pool.run(exports, undefined)
    const shared = sharedWords()
    // If the second task waited for the first, this would never settle.
    await Promise.all([pool.run(exports, shared), pool.run(exports, shared)])
    const more = sharedWords()
    await pool.map(exports, [more, more, ...Array(50).fill(undefined)])
  },
  { threads: 2 }
)

faulty('messages that a function posts to its parent are ignored', async pool => {
  assert.equal(await pool.run(userFunction('flood'), 0), 'flooded')
})

test('a module that ends its thread on import is not retried for each task', async () => {
  const pool = new Pool({ threads: 1 })
  const exits = transforms.worker(fixture('exits.cjs'))
  await assert.rejects(pool.run(exits, 0), { ...lost, message: /while it imported the module: exit code 5/ })
  const start = performance.now()
  const settled = await Promise.allSettled(Array.from({ length: 100 }, () => pool.run(exits, 0)))
  assert.ok(settled.every(it => it.status === 'rejected' && it.reason.code === 'ERR_OFFLOOP_WORKER_EXIT'))
  const { completed, failed } = pool.stats()
  assert.deepEqual([completed, failed], [0, 101])
  assert.ok(performance.now() - start < 5000, 'must not start a thread for each task')
  assert.equal(await pool.run(userFunction('double'), 1), 2)
  await pool.close()
})

test('rejects tasks if the thread options are invalid', async () => {
  const pool = new Pool({ threads: 1, workers: { execArgv: ['--no-such-flag-at-all'] } })
  await assert.rejects(pool.run(userFunction(), 1), { code: 'ERR_WORKER_INVALID_EXEC_ARGV' })
  assert.deepEqual([pool.stats().running, pool.stats().queued], [0, 0])
  await pool.close()
})

/** Writes a module. @param {string} text */
function scratch(text) {
  const path = join(mkdtempSync(join(tmpdir(), 'offloop-')), 'scratch.cjs')
  writeFileSync(path, text)
  return { path, exports: transforms.worker(path) }
}
