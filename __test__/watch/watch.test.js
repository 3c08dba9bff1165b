'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn, setTimeout: after } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const { watch } = require('../../watch')
const { collectBlocks, isIn, spin } = require('../support/blocks')

/** @typedef {import('../../watch').Block} Block */

/** Begins a new iteration of the loop, so that the next block does not include earlier work. */
const nextIteration = () => after(1)

/** @param {() => void} block */
async function inIteration(block) {
  await nextIteration()
  block()
  await turn()
}

test('reports no block of a loop that is free', async t => {
  const { blocks } = collectBlocks(t)
  const stop = watch({ threshold: 2000 })
  t.after(stop)
  for (let count = 0; count < 20; count++) await inIteration(() => spin(5))
  assert.deepEqual(blocks, [])
})

test('measures each iteration without the time in which the loop was idle', async t => {
  const stop = watch()
  t.after(stop)
  await inIteration(() => spin(30))
  await after(100)
  const { hold, delay, utilization = -1, ticks = 0 } = stop.stats() ?? assert.fail('it is on')
  assert.ok(hold !== undefined && hold.count >= 2 && hold.max >= 29, JSON.stringify(hold))
  assert.ok(delay !== undefined && delay.max >= 29 && delay.p50 <= hold.max, JSON.stringify(delay))
  assert.ok(utilization > 0 && utilization < 1, `${utilization}`)
  assert.ok(ticks > 0)
})

test('reports neither announced blocks nor those of a pause', async t => {
  const { blocks, next } = collectBlocks(t)
  const stop = watch({ threshold: 20 })
  t.after(stop)
  const expected = () => {
    spin(100)
    return 'result'
  }
  assert.equal(
    stop.expect(() => stop.expect(expected)),
    'result'
  )
  assert.throws(
    () =>
      stop.expect(() => {
        spin(100)
        throw new Error('thrown through')
      }),
    /thrown through/
  )
  await nextIteration()
  stop.pause()
  stop.pause()
  await inIteration(function paused() {
    spin(100)
  })
  stop.resume()
  stop.resume()
  await inIteration(function reported() {
    spin(100)
  })
  await next(block => isIn(block, 'reported'))
  assert.deepEqual(
    blocks.filter(block => isIn(block, 'expected') || isIn(block, 'paused')),
    []
  )
  assert.throws(() => stop.expect(/** @type {any} */ (5)), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('reports the rest of an iteration when it is paused or stopped', async t => {
  const { next } = collectBlocks(t)
  const stop = watch({ threshold: 20 })
  await nextIteration()
  spin(100)
  stop.pause()
  await next(block => block.duration >= 95)
  stop.resume()
  await nextIteration()
  spin(100)
  stop()
  await next(block => block.duration >= 95)
  assert.equal(stop.stats(), undefined)
  stop()
  stop.pause()
  stop.resume()
  assert.equal(
    stop.expect(() => 1),
    1
  )
})

test('two watches of a thread have separate thresholds and limits', async t => {
  /** @type {Record<'low' | 'high', Block[]>} */
  const received = { low: [], high: [] }
  const { next } = collectBlocks(t)
  const unlimited = { maxPerMinute: Infinity, maxPerStack: Infinity }
  const low = watch({ threshold: 20, ...unlimited, onBlock: block => received.low.push(block) })
  const high = watch({ threshold: 400, ...unlimited, onBlock: block => received.high.push(block) })
  t.after(low)
  t.after(high)
  await inIteration(function short() {
    spin(200)
  })
  await inIteration(function long() {
    spin(500)
  })
  await next(block => isIn(block, 'long'))
  await turn()
  high()
  await inIteration(function after() {
    spin(500)
  })
  await next(block => isIn(block, 'after'))
  const names = (/** @type {Block[]} */ blocks) =>
    ['short', 'long', 'after'].filter(name => blocks.some(block => isIn(block, name)))
  assert.deepEqual(names(received.low), ['short', 'long', 'after'])
  assert.ok(!names(received.high).includes('after') && names(received.high).includes('long'))
})

test('limits the calls of onBlock, and publishes every block', async t => {
  /** @type {Block[]} */
  const received = []
  const { blocks } = collectBlocks(t)
  const stop = watch({ threshold: 20, maxPerStack: 2, maxPerMinute: 3, onBlock: block => received.push(block) })
  t.after(stop)
  const again = () => spin(80)
  for (let count = 0; count < 4; count++) await inIteration(again)
  for (const other of [() => spin(80), () => spin(80), () => spin(80)]) await inIteration(other)
  stop()
  assert.ok(blocks.length >= 7, `${blocks.length}`)
  assert.ok(received.length <= 3, `${received.length}`)
  assert.ok(received.filter(block => isIn(block, 'again')).length <= 2)
})

test('watches the loop of a worker thread', async t => {
  const code = `
    const { parentPort, threadId } = require('node:worker_threads')
    const { watch } = require(${JSON.stringify(require.resolve('../../watch'))})
    watch({ threshold: 20, onBlock: block => parentPort.postMessage({ block, threadId }) })
    function inWorker() { const end = performance.now() + 150; while (performance.now() < end); }
    setTimeout(inWorker, 30)
    parentPort.on('message', () => process.exit())`
  const worker = new Worker(code, { eval: true })
  t.after(() => worker.terminate())
  for (;;) {
    const [{ block, threadId }] = await once(worker, 'message')
    assert.equal(block.thread, threadId)
    if (isIn(block, 'inWorker')) break
  }
  worker.postMessage('end')
  assert.deepEqual(await once(worker, 'exit'), [0])
})

test('threads that end while they are blocked or captured leave nothing behind', async () => {
  const code = `
    const { watch } = require(${JSON.stringify(require.resolve('../../watch'))})
    const stop = watch({ threshold: 10, fatal: Infinity })
    if (Math.random() < 0.3) stop()
    for (;;) JSON.parse('[1,2,3]')`
  for (let round = 0; round < 5; round++) {
    const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true }))
    await Promise.all(workers.map(worker => once(worker, 'online')))
    await after(20 * round)
    await Promise.all(workers.map(worker => worker.terminate()))
  }
})

test('the program may replace or freeze how Error formats stacks', async t => {
  const { next } = collectBlocks(t)
  const stop = watch({ threshold: 20 })
  const { prepareStackTrace, stackTraceLimit } = Error
  t.after(() => {
    stop()
    Object.assign(Error, { prepareStackTrace, stackTraceLimit })
  })
  Error.prepareStackTrace = () => assert.fail('called for a block')
  Error.stackTraceLimit = 1
  /** @param {number} depth */
  function deep(depth) {
    if (depth === 0) spin(120)
    else deep(depth - 1)
  }
  await inIteration(() => deep(20))
  const { samples } = await next(block => isIn(block, 'deep'))
  assert.ok(samples[0].frames.filter(frame => frame.name === 'deep').length > 15)
  assert.equal(Error.stackTraceLimit, 1)
})
