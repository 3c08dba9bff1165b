'use strict'

// Start, options and end of worker threads.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { join } = require('node:path')
const { test } = require('node:test')
const { Worker, SHARE_ENV } = require('node:worker_threads')
const { Pool, transforms } = require('../..')
const { node } = require('../support/child.js')
const { fixture, userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')
const { threadNames } = require('../support/threads.js')

const disposes = transforms.worker(fixture('disposes.mjs'))
const main = JSON.stringify(join(__dirname, '..', '..'))
const functionsPath = JSON.stringify(fixture('functions.js'))

test('no thread starts before the first task', async () => {
  const pool = new Pool({ name: 'lazy', threads: 2 })
  userFunction()
  assert.deepEqual(threadNames('offloop-lazy'), [])
  await pool.close()
})

test('reuses a thread', async () => {
  const pool = new Pool({ threads: 2 })
  const ids = new Set()
  for (let i = 0; i < 20; i++) ids.add(await pool.run(userFunction('thread'), 0))
  assert.equal(ids.size, 1)
  await pool.close()
})

test('an idle thread disposes its modules and ends', async () => {
  const shared = sharedWords()
  const pool = new Pool({ threads: 1, workers: { idleTimeout: 1 } })
  const first = await pool.run(userFunction('thread'), 0)
  await pool.run(disposes, shared)
  await waitForValue(shared, 0, 1)
  assert.notEqual(await pool.run(userFunction('thread'), 0), first)
  await pool.close()
})

test('close waits for admitted tasks and disposes modules', async () => {
  const [shared, disposed] = [sharedWords(), sharedWords()]
  const pool = new Pool({ threads: 1 })
  await pool.run(disposes, disposed)
  const running = pool.run(userFunction('meet'), shared)
  await waitForValue(shared, 0, 1)
  const waiting = pool.run(userFunction('double'), 2)
  const closed = pool.close()
  await assert.rejects(pool.run(userFunction(), 1), { code: 'ERR_OFFLOOP_CLOSED' })
  release(shared)
  await closed
  assert.equal(disposed[0], 1)
  assert.deepEqual([typeof (await running), await waiting], ['number', 4])
})

test('a forced close waits for no task', async () => {
  const shared = sharedWords()
  const pool = new Pool({ threads: 1, workers: { gracePeriod: 0 } })
  const running = pool.run(userFunction('hang'), shared)
  const waiting = pool.run(userFunction('double'), 2)
  await waitForValue(shared, 0, 1)
  const closed = pool.close({ force: true })
  await assert.rejects(running, { code: 'ERR_OFFLOOP_CLOSED' })
  await assert.rejects(waiting, { code: 'ERR_OFFLOOP_CLOSED' })
  await closed
})

test('dispose can use the event loop of its thread', async t => {
  const iterations = sharedWords()
  iterations[1] = 100
  const pool = new Pool({ threads: 1, workers: { gracePeriod: 500 } })
  t.after(() => pool.close())
  // After the task the thread blocks while it waits for the next one.
  await pool.run(disposes, iterations)
  await pool.close()
  assert.equal(iterations[0], 1)
})

test('replaces a thread after maxTasks tasks or above maxHeap', async () => {
  const few = new Pool({ threads: 1, workers: { maxTasks: 3 } })
  const ids = []
  for (let i = 0; i < 9; i++) ids.push(await few.run(userFunction('thread'), 0))
  assert.equal(new Set(ids).size, 3)
  assert.deepEqual(
    await few.map(
      userFunction('double'),
      Array.from({ length: 100 }, (_, n) => n)
    ),
    Array.from({ length: 100 }, (_, n) => 2 * n)
  )
  await few.close()
  const small = new Pool({ threads: 1, workers: { maxHeap: 60e6 } })
  const first = await small.run(userFunction('thread'), 0)
  assert.equal(await small.run(userFunction('keep'), 80e6), first)
  assert.notEqual(await small.run(userFunction('thread'), 0), first)
  await small.close()
})

test('accepts the options of new Worker()', async () => {
  const pool = new Pool({
    threads: 1,
    workers: { argv: ['a', 'b'], env: { SETTING: 'set' }, execArgv: ['--import', fixture('preload.mjs')] }
  })
  assert.deepEqual(await pool.run(userFunction('options'), 0), {
    argv: ['a', 'b'],
    env: 'set',
    execArgv: ['--import', fixture('preload.mjs')],
    preloaded: 'yes'
  })
  await pool.close()
  process.env.SETTING = 'shared'
  const sharing = new Pool({ threads: 1, workers: { env: SHARE_ENV } })
  assert.equal((await sharing.run(userFunction('options'), 0)).env, 'shared')
  delete process.env.SETTING
  await sharing.close()
})

for (const [name, code, output] of [
  ['an idle thread', `await pool.run(f, 1)`, ''],
  ['a task in flight', `pool.run(f, 1).then(console.log)`, '1\n'],
  ['process.exit() during a task', `pool.run(spin, 60000); setImmediate(() => process.exit())`, ''],
  ['an input given with -e and --input-type=module', `console.log(await pool.run(f, 'esm'))`, 'esm\n']
]) {
  test(`the process exits correctly: ${name}`, async () => {
    const text = `
      import offloop from ${main.replace(/"$/, '/index.js"')}
      const { pool, transforms } = offloop
      const f = transforms.worker(${functionsPath}), spin = transforms.worker(${functionsPath}, { export: 'spin' })
      ${code}`
    const { stdout, stderr, code: exit } = await node(['--input-type=module', '-e', text])
    assert.deepEqual([stdout, stderr, exit], [output, '', 0])
  })
}

test('pools of one name in several threads share one budget', async () => {
  const pool = new Pool({ name: 'shared-budget', threads: 1 })
  const shared = sharedWords()
  const running = pool.run(userFunction('meet'), shared)
  await waitForValue(shared, 0, 1)
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const { Pool, transforms } = require(${main})
     const pool = new Pool({ name: 'shared-budget' })
     const task = pool.run(transforms.worker(${functionsPath}, { export: 'double' }), 4)
     parentPort.postMessage(pool.stats().queued)
     task.then(value => parentPort.postMessage(value))`,
    { eval: true }
  )
  const [queued] = await once(worker, 'message')
  assert.equal(queued, 1)
  release(shared)
  await running
  assert.deepEqual(await once(worker, 'message'), [8])
  await worker.terminate()
  await pool.close()
})

test('a terminated worker thread returns its permits', async () => {
  const pool = new Pool({ name: 'terminated', threads: 1 })
  const shared = sharedWords()
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads')
     const { Pool, transforms } = require(${main})
     new Pool({ name: 'terminated' }).run(transforms.worker(${functionsPath}, { export: 'hang' }), workerData)`,
    { eval: true, workerData: shared }
  )
  await waitForValue(shared, 0, 1)
  assert.equal(pool.stats().running, 1)
  const next = pool.run(userFunction('double'), 3)
  await worker.terminate()
  assert.equal(await next, 6)
  await pool.close()
})

test('a closed pool is collected despite a long idleTimeout', async () => {
  const text = `
    const { Pool, transforms } = require(${main})
    const f = transforms.worker(${functionsPath})
    const closed = async () => {
      const env = { ...process.env }
      const pool = new Pool({ threads: 1, workers: { idleTimeout: 2 ** 31 - 1, env } })
      await pool.run(f, 1)
      await new Promise(setImmediate)
      await pool.close()
      return new WeakRef(env)
    }
    ;(async () => {
      const pools = []
      for (let i = 0; i < 8; i++) pools.push(await closed())
      for (let i = 0; i < 8; i++) {
        await new Promise(setImmediate)
        gc()
      }
      console.log(pools.filter(it => it.deref() !== undefined).length)
    })()`
  const { stdout, stderr } = await node(['--expose-gc', '-e', text])
  assert.equal(stderr, '')
  // The engine may retain the last one.
  assert.ok(Number(stdout) < 4, `${stdout} of 8 were not collected`)
})

test('100,000 tasks leak neither memory nor threads', async () => {
  const text = `
    const { Pool, transforms } = require(${main})
    const { readdirSync } = require('node:fs')
    const pool = new Pool({ threads: 2 })
    const f = transforms.worker(${functionsPath})
    const signal = new AbortController().signal
    const flood = async count => {
      let left = count
      await Promise.all(Array.from({ length: 256 }, async () => { while (left-- > 0) await pool.run(f, left, { signal }) }))
      gc()
      return { heap: process.memoryUsage().heapUsed, threads: readdirSync('/proc/self/task').length }
    }
    ;(async () => {
      await flood(20_000)
      const before = await flood(1_000)
      const after = await flood(100_000)
      console.log(JSON.stringify({ heap: after.heap - before.heap, threads: after.threads - before.threads }))
      await pool.close()
    })()`
  const { stdout, stderr } = await node(['--expose-gc', '-e', text])
  assert.equal(stderr, '')
  const { heap, threads } = JSON.parse(stdout)
  assert.ok(heap < 1_000_000, `the heap grew by ${heap} bytes`)
  assert.equal(threads, 0)
})
