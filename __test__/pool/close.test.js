'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, pool: defaultPool, transforms, occupy } = require('../support/fault-addon')
const { threadNames } = require('../support/threads')

const identity = transforms.identity()
const closed = { name: 'OffloopError', code: 'ERR_OFFLOOP_CLOSED' }

test('waits for admitted tasks and rejects new ones', async () => {
  const pool = new Pool({ threads: 1 })
  const { release } = occupy(pool)
  const queued = pool.run(identity, 'x')
  let isClosed = false
  const closing = pool.close().then(() => {
    isClosed = true
  })
  await assert.rejects(pool.run(identity, 'y'), closed)
  await assert.rejects(pool.ready(), closed)
  await assert.rejects(pool.map(identity, ['y']), closed)
  assert.throws(() => pool.iterate(identity, ['y']), closed)
  assert.equal(isClosed, false)
  await release()
  await closing
  assert.equal((await queued).toString(), 'x')
})

test('a chain that was admitted runs all its steps, also those that read or write a value', async () => {
  const value = transforms.worker(`data:text/javascript,${encodeURIComponent('export default input => input')}`)
  const seal = transforms.seal('aes-256-gcm', Buffer.alloc(32))
  const nearest = transforms.numeric.nearest(Float32Array.of(1), { k: 1, dimensions: 1 })
  for (const { step, input } of [
    { step: seal, input: { data: 'x', aad: 'y' } },
    { step: transforms.json.stringify(), input: { a: 1 } },
    { step: nearest, input: Float32Array.of(1) },
    { step: value, input: 'x' }
  ]) {
    const pool = new Pool({ threads: 1, maxQueue: 0 })
    const admitted = pool.run(transforms.chain(value, step), input)
    await Promise.all([pool.close(), admitted])
  }
})

test('force cancels admitted tasks', async () => {
  const pool = new Pool({ threads: 1 })
  occupy(pool)
  const queued = pool.run(identity, 'x')
  const large = pool.run(identity, Buffer.alloc(5 << 20))
  const mapped = pool.map(identity, ['a', 'b'])
  const outcomes = Promise.allSettled([queued, large, mapped])
  await pool.close({ force: true })
  for (const { status, reason } of /** @type {any[]} */ (await outcomes)) {
    assert.deepEqual([status, reason.code], ['rejected', 'ERR_OFFLOOP_CLOSED'])
  }
})

test('force rejects each task with a separate error object', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10 })
  occupy(pool)
  const iterator = pool.iterate(identity, ['a'])
  const sink = pool.collect(transforms.digest('sha256'))
  sink.on('error', () => {})
  sink.write('x')
  const calls = [
    pool.run(identity, 'x'),
    pool.run(identity, 'x'),
    pool.run(identity, Buffer.alloc(5 << 20)),
    pool.map(identity, ['a', 'b']),
    iterator.next(),
    sink.result,
    pool.ready(),
    pool.ready()
  ]
  const outcomes = Promise.allSettled(calls)
  await pool.close({ force: true })
  const reasons = new Set((await outcomes).map(outcome => /** @type {any} */ (outcome).reason))
  assert.equal(reasons.size, calls.length)
  for (const { code } of reasons) assert.equal(code, 'ERR_OFFLOOP_CLOSED')
})

test('an abort rejects every task with the reason of the signal', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10 })
  const { release } = occupy(pool)
  const client = new AbortController()
  const { signal } = client
  const calls = [
    pool.run(identity, 'x', { signal }),
    pool.run(identity, 'x', { signal }),
    pool.map(identity, ['a'], { signal })
  ]
  const outcomes = Promise.allSettled(calls)
  const reason = new Error('gone')
  client.abort(reason)
  assert.deepEqual(
    (await outcomes).map(outcome => /** @type {any} */ (outcome).reason === reason),
    [true, true, true]
  )
  await release()
  await pool.close()
})

test('tasks that wait too long, and inputs of a batch, have separate error objects', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10, maxWait: 100 })
  const { release } = occupy(pool)
  const late = await Promise.allSettled([1, 2].map(() => pool.run(identity, 'x')))
  const [first, second] = late.map(outcome => /** @type {any} */ (outcome).reason)
  assert.deepEqual([first.code, first.name, first.statusCode], ['ERR_OFFLOOP_QUEUE_TIMEOUT', 'OverloadError', 503])
  assert.notEqual(first, second)
  await release()
  await pool.close()
  const settled = await defaultPool.map(transforms.gunzip(), Array(50).fill(Buffer.from('x'.repeat(20))), {
    settle: true
  })
  assert.equal(new Set(settled.map(outcome => /** @type {any} */ (outcome).reason)).size, 50)
})

test('after close every method fails, and the getters are 0', async () => {
  const pool = new Pool({ name: 'over', threads: 1 })
  assert.deepEqual([pool.threads, pool.maxQueue, pool.maxQueueBytes], [1, 1024, 256 << 20])
  await pool.close()
  await assert.rejects(pool.run(identity, 'x'), closed)
  await assert.rejects(pool.map(identity, ['x']), closed)
  await assert.rejects(pool.ready(), closed)
  for (const call of [() => pool.iterate(identity, ['x']), () => pool.stream(identity), () => pool.collect(identity)]) {
    assert.throws(call, { ...closed, message: "The pool 'over' is closed and accepts no more tasks" })
  }
  assert.throws(() => pool.stats(), { ...closed, message: "The pool 'over' is closed" })
  assert.deepEqual([pool.name, pool.threads, pool.maxQueue, pool.maxQueueBytes], ['over', 0, 0, 0])
})

test('may be called repeatedly, and forced later', async () => {
  const pool = new Pool({ threads: 1 })
  occupy(pool)
  const calls = [pool.close(), pool.close(), pool.close({ force: true }), pool[Symbol.asyncDispose]()]
  await Promise.all(calls)
  await pool.close()
  await pool.close({ force: true })
})

test('idle and unused pools close', async () => {
  await new Pool().close()
  const pool = new Pool()
  await pool.run(identity, 'x')
  await pool.close()
})

test('rejects callers that wait for capacity', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const { release } = occupy(pool)
  const waiting = [pool.ready(), pool.ready(), pool.map(identity, ['a'])].map(promise =>
    assert.rejects(promise, closed)
  )
  const closing = pool.close()
  await Promise.all(waiting)
  await release()
  await closing
})

test('every task settles once when the pool closes under load', async () => {
  for (const force of [false, true]) {
    const pool = new Pool({ threads: 2, maxQueue: 500 })
    const tasks = Array.from({ length: 1000 }, () => pool.run(identity, 'x'))
    const closing = pool.close({ force })
    tasks.push(...Array.from({ length: 1000 }, () => pool.run(identity, 'x')))
    const outcomes = await Promise.allSettled(tasks)
    await closing
    assert.equal(outcomes.length, 2000)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.match(outcome.reason.code, /^ERR_OFFLOOP_(QUEUE_FULL|CLOSED)$/)
    }
  }
})

test('ends the threads of the pool', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
  const pool = new Pool({ name: 'gone', threads: 3 })
  await pool.run(identity, 'x')
  while (threadNames('offloop-gone').length < 3) await new Promise(resolve => setImmediate(resolve))
  await pool.close()
  while (threadNames('offloop-gone').length > 0) await new Promise(resolve => setImmediate(resolve))
})

test('closing other pools does not affect the default pool', async () => {
  assert.equal((await defaultPool.run(identity, 'x')).toString(), 'x')
})

test('Symbol.asyncDispose closes the pool', async () => {
  let disposed
  {
    const pool = new Pool({ threads: 1 })
    disposed = pool
    await pool.run(identity, 'x')
    await pool[Symbol.asyncDispose]()
  }
  await assert.rejects(disposed.run(identity, 'x'), closed)
})

test('a bulk call with inputs left ends before close() resolves', async () => {
  for (let round = 0; round < 20; round++) {
    const own = new Pool({ threads: 2 })
    let hasSettled = false
    const settle = () => {
      hasSettled = true
    }
    own.map(transforms.identity(), Array(64).fill('x')).then(settle, settle)
    await new Promise(resolve => setImmediate(resolve))
    await own.close()
    assert.ok(hasSettled)
  }
})
