'use strict'

// Aborts and faults while a thread is in an intermediate state.

const assert = require('node:assert/strict')
const { mkdtempSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { Pool, transforms } = require('../..')
const { fixture, userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')

const batched = transforms.worker(fixture('batch.cjs'))

/** Writes a file. */
function file(/** @type {string} */ name, /** @type {string} */ text) {
  const path = join(mkdtempSync(join(tmpdir(), 'offloop-')), name)
  writeFileSync(path, text)
  return path
}

function open(/** @type {import('node:test').TestContext} */ t, /** @type {import('../..').PoolOptions} */ options) {
  const pool = new Pool(options)
  t.after(() => pool.close({ force: true }))
  return pool
}

/** @param {Pool} pool */
async function assertWorks(pool) {
  assert.equal(await pool.run(userFunction('double'), 4), 8)
  const { running, queued, queuedBytes } = pool.stats()
  assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
}

/** Blocks this thread until the memory changes. */
function spinUntil(/** @type {Int32Array} */ shared, /** @type {number} */ least) {
  while (Atomics.load(shared, 0) < least);
}

for (const [description, text] of [
  ['never ends', 'await new Promise(() => {})'],
  ['blocks its thread', 'for (;;);']
]) {
  test(`aborts a task while its import ${description}`, async t => {
    const pool = open(t, { threads: 1, workers: { gracePeriod: 1 } })
    const shared = sharedWords()
    await pool.run(userFunction('share'), shared)
    const begin = 'Atomics.add(globalThis.shared, 0, 1); Atomics.notify(globalThis.shared, 0)'
    const module = transforms.worker(file('imports.mjs', `${begin}\n${text}\nexport default value => value`))
    const abort = new AbortController()
    const stuck = pool.run(module, 1, { signal: abort.signal })
    await waitForValue(shared, 0, 1)
    abort.abort()
    await assert.rejects(stuck, { name: 'AbortError' })
    await assertWorks(pool)
  })
}

test('a function imported for an aborted task receives an aborted signal', async t => {
  const pool = open(t, { threads: 1, workers: { gracePeriod: 60_000 } })
  const shared = sharedWords()
  await pool.run(userFunction('share'), shared)
  const text = `
    Atomics.add(globalThis.shared, 0, 1)
    Atomics.notify(globalThis.shared, 0)
    const turn = () => new Promise(resolve => setImmediate(resolve))
    while (Atomics.load(globalThis.shared, 1) === 0) await turn()
    for (let turns = 0; turns < 3; turns++) await turn()
    export default (value, { signal }) => { Atomics.store(globalThis.shared, 1, signal.reason); Atomics.notify(globalThis.shared, 1) }`
  const abort = new AbortController()
  const aborted = pool.run(transforms.worker(file('waits.mjs', text)), 1, { signal: abort.signal })
  await waitForValue(shared, 0, 1)
  abort.abort(7)
  await assert.rejects(aborted, error => error === 7)
  // Messages to a thread are ordered: the import ends after the abort has arrived.
  setImmediate(() => release(shared))
  await waitForValue(shared, 1, 7)
  await assertWorks(pool)
})

for (const [call, pause] of /** @type {const} */ ([
  ['abort', 0],
  ['abort', 1],
  ['close', 0],
  ['close', 1]
])) {
  test(`a getter of an input ends its own task during the send (${call}, ${pause} ms after another)`, async t => {
    const pool = open(t, { threads: 1, workers: { gracePeriod: 1 } })
    await pool.run(batched, 0)
    // After a pause the input is sent during the call, otherwise later.
    const end = performance.now() + pause
    while (performance.now() < end);
    const abort = new AbortController()
    let closed
    const input = {
      action: 'hang',
      words: sharedWords(),
      get last() {
        if (call === 'abort') abort.abort()
        else closed = pool.close({ force: true })
        return 1
      }
    }
    const code = call === 'abort' ? 20 : 'ERR_OFFLOOP_CLOSED'
    await assert.rejects(pool.run(batched, input, { signal: abort.signal }), { code })
    if (call === 'abort') await assertWorks(pool)
    await closed
  })
}

test("a getter of a script's input aborts the script", async t => {
  const pool = open(t, { threads: 1 })
  const forever = transforms.workerScript(file('forever.cjs', 'setInterval(() => {}, 1000)'))
  const abort = new AbortController()
  const input = {
    get last() {
      abort.abort()
      return 1
    }
  }
  await assert.rejects(pool.run(forever, input, { signal: abort.signal }), { name: 'AbortError' })
  await assertWorks(pool)
})

test('a task can be aborted while its thread hangs at start', async () => {
  const pool = new Pool({ threads: 1, workers: { execArgv: ['--require', file('hangs.cjs', 'for (;;);')] } })
  const abort = new AbortController()
  const stuck = pool.run(userFunction(), 1, { signal: abort.signal })
  await null
  abort.abort()
  await assert.rejects(stuck, { name: 'AbortError' })
  assert.equal(pool.stats().running, 0)
  const other = assert.rejects(pool.run(userFunction(), 1), { code: 'ERR_OFFLOOP_CLOSED' })
  await pool.close({ force: true })
  await other
})

test('results of a batch that cannot be read are not attributed to the next one', async t => {
  const pool = open(t, { threads: 1, workers: { resourceLimits: { stackSizeMb: 0.5 } } })
  /** @type {unknown} */
  let deep = 0
  for (let i = 0; i < 2500; i++) deep = [deep]
  await pool.run(userFunction('begun'), sharedWords())
  for (let round = 0; round < 5; round++) {
    const [first, second] = [new AbortController(), new AbortController()]
    const shared = sharedWords()
    const one = pool.run(userFunction('begun'), shared, { signal: first.signal })
    const two = pool.run(userFunction(), deep, { signal: second.signal })
    const [three, four] = [pool.run(userFunction('later'), 3), pool.run(userFunction(), 4)]
    // The first batch is sent and completed before the next event-loop iteration.
    for (let i = 0; i < 10; i++) await null
    spinUntil(shared, 1)
    const until = performance.now() + 5
    while (performance.now() < until);
    first.abort(1)
    while (performance.now() < until + 5);
    second.abort(2)
    const settled = await Promise.allSettled([one, two, three, four])
    assert.deepEqual(
      settled.slice(2).map(it => it.status === 'fulfilled' && it.value),
      [3, 4]
    )
    await assertWorks(pool)
  }
})

test('an exception that cannot be cloned fails one task', async t => {
  const pool = open(t, { threads: 1 })
  const path = file(
    'hard.cjs',
    `const deep = n => { let value = 0; for (let i = 0; i < n; i++) value = [value]; return value }
    const own = () => Object.assign(new RangeError('deep'), { data: deep(3000), code: 'ERR_DEEP' })
    const dom = () => Object.defineProperty(new DOMException('dom', { name: 'AbortError', cause: new TypeError('why') }), 'code', { value: 'ABORT', enumerable: true })
    const later = make => () => { setImmediate(() => { throw make() }); return new Promise(() => {}) }
    exports.own = () => { throw own() }
    exports.dom = () => { throw dom() }
    exports.ownLater = later(own)
    exports.domLater = later(dom)`
  )
  const run = (/** @type {string} */ name) => pool.run(transforms.worker(path, { export: name }), 0)
  await assert.rejects(run('own'), { name: 'RangeError', message: 'deep', code: 'ERR_DEEP' })
  const dom = { name: 'AbortError', message: 'dom', code: 'ABORT', cause: new TypeError('why') }
  await assert.rejects(run('dom'), error => {
    assert.ok(error instanceof DOMException)
    const { name, message, code, cause } = /** @type {any} */ (error)
    assert.deepEqual([name, message, code, cause.name], [dom.name, dom.message, dom.code, 'TypeError'])
    return true
  })
  for (const name of ['ownLater', 'domLater']) {
    await assert.rejects(run(name), error => {
      const { code, cause } = /** @type {any} */ (error)
      assert.deepEqual([code, cause.message], ['ERR_OFFLOOP_WORKER_EXIT', name === 'domLater' ? 'dom' : 'deep'])
      return true
    })
  }
  await assertWorks(pool)
})

test('rejects if the result of a script cannot be read', async t => {
  const pool = open(t, { threads: 1 })
  const text = `let value = 0
    for (let i = 0; i < 12_000; i++) value = [value]
    require('node:worker_threads').parentPort.postMessage(value)
    setInterval(() => {}, 1000)`
  const [result] = await Promise.allSettled([pool.run(transforms.workerScript(file('deep.cjs', text)), 0)])
  // In some versions the stack is large enough.
  if (result.status === 'rejected') assert.match(result.reason.message, /cannot be read|call stack/)
  await assertWorks(pool)
})

test('a thread runs at most maxTasks tasks', async t => {
  const pool = open(t, { threads: 2, workers: { maxTasks: 3 } })
  const ids = await pool.map(userFunction('thread'), Array(60).fill(0))
  for (const id of new Set(ids)) assert.ok(ids.filter(it => it === id).length <= 3)
})

test('inputs that fail to be sent do not starve the event loop', async t => {
  const pool = open(t, { threads: 1 })
  const inputs = Array.from({ length: 20_000 }, () => () => {})
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  const settled = await pool.map(userFunction(), inputs, { settle: true })
  clearInterval(timer)
  assert.ok(settled.every(it => it.status === 'rejected' && it.reason.name === 'DataCloneError'))
  assert.ok(ticks > 3, `the timer fired ${ticks} times`)
})
