'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Cache, pool, transforms } = require('../..')
const { BUDGET, LoopScheduler, Priority, Step } = require('../../lib/internal/loop-scheduler')
const { completionPort } = require('../../lib/native/completion-port')
const { loopScheduler } = require('../../lib/native/shared')
const { BatchTask } = require('../../lib/pool/bulk/batch')
const { node } = require('../support/child')

const CompletionPort = Object.getPrototypeOf(completionPort)

/** Milliseconds by which the steps that end an iteration may exceed the budget. */
const OVERRUN = 2
/** Iterations of a window; its longest counts. */
const WINDOW = 3
/** Other processes disturb some windows; a broken budget shows in all of them. */
const WINDOWS = 300

const rows = Array.from({ length: 40_000 }, (_, id) => ({ id, name: `row ${id}`, tags: ['a', 'b'], value: id / 3 }))
const text = JSON.stringify(rows)
const large = Buffer.alloc(24 << 20)

/** @param {number} milliseconds */
function spin(milliseconds) {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

const nextIteration = () => new Promise(resolve => setImmediate(resolve))

/**
 * Keeps every kind of work pending, and returns the longest iteration of the best of several windows.
 * @param {number} windows
 */
async function longestIteration(windows) {
  let isOver = false
  const cache = new Cache({ max: 10, onEvict: () => spin(0.02) })
  /** @param {() => unknown} start */
  const repeat = async start => {
    while (!isOver) await start()
  }
  const { identity, digest, json } = transforms
  const work = [
    () => pool.run(identity(), large),
    () => pool.run(identity(), 'é'.repeat(8 << 20)),
    () => pool.map(digest('crc32'), Array(40).fill(large.subarray(0, 1 << 20))),
    () => pool.run(json.parse(), text),
    () => pool.run(json.parse(), text),
    () => pool.run(json.stringify(), rows),
    () => pool.run(json.stringify(), rows),
    () => Promise.all(Array.from({ length: 256 }, () => pool.run(identity(), 'x'))),
    () => {
      for (let id = 0; id < 1000; id++) cache.set(String(id), id)
      return nextIteration()
    }
  ].map(repeat)
  let shortest = Infinity
  for (let window = 0; window < windows && shortest > BUDGET + OVERRUN; window++) {
    const first = loopScheduler.stats()
    let before = first
    let longest = 0
    for (let iteration = 0; iteration <= WINDOW; iteration++) {
      await nextIteration()
      const after = loopScheduler.stats()
      // Two iterations may end between two immediates.
      longest = Math.max(longest, (after.time - before.time) / Math.max(1, after.iterations - before.iterations))
      before = after
    }
    if (before.iterations - first.iterations >= WINDOW) shortest = Math.min(shortest, longest)
  }
  isOver = true
  await Promise.all(work)
  return shortest
}

test('no iteration exceeds the budget, with every kind of work at the same time', async () => {
  const longest = await longestIteration(WINDOWS)
  assert.ok(longest <= BUDGET + OVERRUN, `the longest iteration was ${longest} ms`)
})

test('a job that ignores its deadline exceeds the budget', async () => {
  let isOver = false
  const job = {
    step: () => {
      // Several iterations may be averaged on a busy machine.
      spin(16 * (BUDGET + OVERRUN))
      return isOver ? Step.Done : Step.Idle
    }
  }
  loopScheduler.schedule(job, Priority.Json)
  const longest = await longestIteration(5)
  isOver = true
  assert.ok(longest > BUDGET + OVERRUN, `the longest iteration was ${longest} ms`)
})

/** JSON of which two do not fit in one list of results. */
const half = Buffer.from(JSON.stringify(Array(5000).fill(1)))

for (const [name, transform, input, most] of /** @type {const} */ ([
  ['32 results', transforms.identity(), '1', 32],
  ['32 values of a list of JSON', transforms.json.parse(), '1', 32],
  ['one list of JSON', transforms.json.parse(), half, 1]
])) {
  test(`a step settles at most ${name} of a batch`, async () => {
    const { settle } = BatchTask.prototype
    let [settled, mostSettled, longestBatch] = [0, 0, 0]
    /** @type {typeof settle} */
    BatchTask.prototype.settle = function (...outcome) {
      settled++
      longestBatch = Math.max(longestBatch, this.count)
      settle.apply(this, outcome)
    }
    completionPort.step = (...args) => {
      settled = 0
      const outcome = CompletionPort.step.apply(completionPort, args)
      mostSettled = Math.max(mostSettled, settled)
      return outcome
    }
    while (longestBatch <= most) await pool.map(transform, Array(2000).fill(input))
    BatchTask.prototype.settle = settle
    completionPort.step = CompletionPort.step
    assert.equal(mostSettled, most)
  })
}

test('stats().loop is the same for every pool of the thread', async () => {
  const { Pool } = require('../..')
  const other = new Pool()
  await pool.run(transforms.identity(), Buffer.alloc(3 << 20))
  await nextIteration()
  const { loop } = pool.stats()
  assert.ok(loop.iterations > 0 && loop.time >= loop.longest && loop.longest > 0)
  assert.deepEqual(other.stats().loop, loop)
  await other.close()
})

test('every priority gets a step in each iteration, however much the others use', async () => {
  const scheduler = new LoopScheduler()
  let isOver = false
  const steps = Object.values(Priority).map(() => 0)
  for (const priority of Object.values(Priority)) {
    const step = () => {
      steps[priority]++
      if (priority === Priority.Settle) spin(0.1)
      return isOver ? Step.Done : Step.More
    }
    scheduler.schedule({ step, slice: Infinity }, priority)
  }
  for (let iteration = 0; iteration < 10; iteration++) await nextIteration()
  isOver = true
  assert.ok(
    steps.every(count => count >= 9),
    `steps: ${steps}`
  )
})

test('the jobs of a priority take turns', async () => {
  const scheduler = new LoopScheduler()
  const count = 20
  /** @type {number[]} */
  const turns = []
  for (let index = 0; index < count; index++) {
    const step = () => {
      spin(BUDGET / 2)
      return turns.push(index) > 3 * count ? Step.Done : Step.Idle
    }
    scheduler.schedule({ step }, Priority.Json)
  }
  while (turns.length <= 3 * count) await nextIteration()
  assert.deepEqual(
    turns.slice(0, 2 * count),
    Array.from({ length: 2 * count }, (_, turn) => turn % count)
  )
})

test('the error of a job is an uncaught exception, and other jobs continue', async () => {
  const { code, stdout } = await node(
    [
      '-e',
      `
    const { Priority, Step, once } = require(${JSON.stringify(require.resolve('../../lib/internal/loop-scheduler'))})
    const { loopScheduler } = require(${JSON.stringify(require.resolve('../../lib/native/shared'))})
    const { pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    process.on('uncaughtException', error => console.log('uncaught', error.message))
    let steps = 0
    const step = () => {
      if (++steps === 1) throw new Error('broken job')
      return Step.Done
    }
    loopScheduler.schedule({ step }, Priority.Copy)
    loopScheduler.schedule(once(() => { throw new Error('broken call') }), Priority.Copy)
    pool.run(transforms.identity(), Buffer.alloc(3 << 20)).then(({ length }) => console.log(length, steps))`
    ],
    { timeout: 60_000 }
  )
  assert.deepEqual(stdout.trim().split('\n').sort(), [`${3 << 20} 2`, 'uncaught broken call', 'uncaught broken job'])
  assert.equal(code, 0)
})

test('a one-shot job that throws is not called again', async () => {
  const { stdout } = await node([
    '-e',
    `
    const { LoopScheduler, Priority, once } = require(${JSON.stringify(require.resolve('../../lib/internal/loop-scheduler'))})
    process.on('uncaughtException', error => console.log(error.message))
    let iterations = 0
    const count = () => void (++iterations < 5 && setImmediate(count))
    new LoopScheduler().schedule(once(() => { throw new Error('broken job') }), Priority.Copy)
    count()`
  ])
  assert.equal(stdout, 'broken job\n')
})

test('an onEvict that throws stops neither other notifications nor completions', async () => {
  const { code, stdout, stderr } = await node([
    '-e',
    `
    const { Cache, pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    let calls = 0
    const cache = new Cache({ max: 1, onEvict: () => { if (++calls === 1) throw new Error('broken listener') } })
    for (let id = 0; id < 5; id++) cache.set(String(id), id)
    pool.run(transforms.identity(), Buffer.alloc(3 << 20)).then(() => console.log(calls))`
  ])
  assert.deepEqual([code, stdout.trim()], [0, '4'])
  assert.match(stderr, /broken listener/)
})

test('two copies of the package share one scheduler', () => {
  const kept = { ...require.cache }
  for (const key of Object.keys(require.cache)) if (!key.endsWith('.node')) delete require.cache[key]
  const second = require('../../lib/native/shared')
  const { pool: other } = require('../..')
  Object.assign(require.cache, kept)
  assert.notEqual(other, pool)
  assert.equal(second.loopScheduler, loopScheduler)
})

test('fake timers do not stop the scheduler', async t => {
  t.mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval', 'Date'] })
  const evicted = new Promise(resolve => {
    const cache = new Cache({ max: 1, onEvict: resolve })
    cache.set('a', 1)
    cache.set('b', 2)
  })
  const output = await pool.run(transforms.identity(), Buffer.alloc(3 << 20))
  assert.equal(output.length, 3 << 20)
  assert.equal(await evicted, 'a')
  assert.deepEqual(await pool.run(transforms.json.parse(), text), rows)
})

test('the process exits when no work is pending', async () => {
  const { code, signal } = await node(
    [
      '-e',
      `
    const { Cache, pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    const cache = new Cache({ max: 1, onEvict() {} })
    cache.set('a', 1)
    cache.set('b', 2)
    pool.run(transforms.identity(), Buffer.alloc(3 << 20))
    pool.run(transforms.json.stringify(), Array(100_000).fill('x'))`
    ],
    { timeout: 60_000 }
  )
  assert.deepEqual([code, signal], [0, null])
})
