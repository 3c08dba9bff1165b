'use strict'

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { test } = require('node:test')
const { Pool, pool, transforms, move, occupy } = require('../support/fault-addon')
const { userFunction } = require('../support/worker')

const identity = transforms.identity()
const sha256 = transforms.digest('sha256', { encoding: 'hex' })

/** @param {number} length */
const numbers = length => Array.from({ length }, (_, i) => `${i}`)

test('returns the results in the order of the inputs', async () => {
  for (const length of [0, 1, 2, 255, 256, 257, 10_000]) {
    const inputs = numbers(length)
    assert.deepEqual((await pool.map(identity, inputs)).map(String), inputs)
  }
  const mixed = Array.from({ length: 300 }, (_, i) => Buffer.alloc((i * 7919) % 90_000, i))
  assert.deepEqual(await pool.map(identity, mixed), mixed)
})

test('accepts mixed kinds of inputs', async () => {
  const inputs = [
    'ä',
    Buffer.from('b'),
    new Uint16Array([7]),
    new Uint8Array([1]).buffer,
    '',
    move(Buffer.alloc(70_000, 1))
  ]
  const outputs = await pool.map(identity, /** @type {any[]} */ (inputs))
  assert.deepEqual(
    outputs.map(output => output.length),
    [2, 1, 2, 1, 0, 70_000]
  )
})

test('aborting a call does not change the inputs of another one', async () => {
  const pool = new Pool({ threads: 2 })
  const inputs = Array.from({ length: 4000 }, (_, i) => Buffer.alloc(1024, i))
  for (let turns = 1; turns < 30; turns++) {
    const abort = new AbortController()
    const aborted = pool.map(identity, Array(4000).fill(Buffer.alloc(1024, 'x')), { signal: abort.signal })
    const kept = pool.map(identity, inputs)
    const settled = Promise.allSettled([aborted])
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    abort.abort()
    await Promise.all([settled, pool.map(identity, inputs)])
    assert.ok(Buffer.concat(await kept).equals(Buffer.concat(inputs)))
  }
  await pool.close()
})

test('copies large inputs in steps', async () => {
  const inputs = [Buffer.alloc(3 << 20, 1), 'small', Buffer.alloc(2 << 20, 2), 'x'.repeat(2 << 20)]
  assert.deepEqual(
    (await pool.map(identity, inputs)).map(output => output.length),
    [3 << 20, 5, 2 << 20, 2 << 20]
  )
})

test('accepts generators, async generators and sets', async () => {
  function* sync() {
    yield* numbers(1000)
  }
  async function* asynchronous() {
    for (const number of numbers(1000)) {
      if (Number(number) % 100 === 0) await new Promise(resolve => setImmediate(resolve))
      yield number
    }
  }
  assert.deepEqual((await pool.map(identity, sync())).map(String), numbers(1000))
  assert.deepEqual((await pool.map(identity, asynchronous())).map(String), numbers(1000))
  assert.deepEqual((await pool.map(identity, new Set(['a', 'b']))).map(String), ['a', 'b'])
})

test('computes the same results as single tasks', async () => {
  const inputs = numbers(3000)
  const expected = inputs.map(input => createHash('sha256').update(input).digest('hex'))
  assert.deepEqual(await pool.map(sha256, inputs), expected)
})

test('rejects with the index of the first failure, and closes the inputs', async () => {
  let isClosed = false
  function* inputs() {
    try {
      for (let i = 0; ; i++) yield i === 700 ? 7 : 'x'
    } finally {
      isClosed = true
    }
  }
  await assert.rejects(pool.map(identity, /** @type {any} */ (inputs())), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE',
    message: /^inputs\[700\] must be .* Received type number \(7\)$/,
    index: 700
  })
  assert.ok(isClosed)
})

test('settle continues after failures', async () => {
  const outcomes = await pool.map(identity, /** @type {any[]} */ (['a', 7, 'b', null]), { settle: true })
  assert.deepEqual(
    outcomes.map(outcome => (outcome.status === 'fulfilled' ? `${outcome.value}` : outcome.reason.code)),
    ['a', 'ERR_INVALID_ARG_TYPE', 'b', 'ERR_INVALID_ARG_TYPE']
  )
})

test('rejects with an error of the inputs', async () => {
  const broken = new Error('broken')
  function* sync() {
    yield 'x'
    throw broken
  }
  async function* asynchronous() {
    yield 'x'
    throw broken
  }
  await assert.rejects(pool.map(identity, sync()), broken)
  await assert.rejects(pool.map(identity, asynchronous()), broken)
  await assert.rejects(pool.map(identity, sync(), { settle: true }), broken)
  await assert.rejects(pool.map(identity, /** @type {any} */ (5)), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /iterable/
  })
})

/** @param {{ count: number }} counter */
function* counted(counter) {
  for (; counter.count < 1000; counter.count++) yield 'x'
}

test('reads at most `concurrency` inputs ahead', async () => {
  const limited = new Pool({ threads: 2 })
  for (const concurrency of [1, 2, 7, 100]) {
    const counter = { count: 0 }
    const { release } = occupy(limited)
    const mapped = limited.map(identity, counted(counter), { concurrency })
    assert.ok(counter.count < concurrency, `${counter.count} inputs were read with concurrency ${concurrency}`)
    await release()
    assert.equal((await mapped).length, 1000)
  }
  await limited.close()
})

test('waits for capacity instead of being rejected, and leaves nothing in the queue', async () => {
  const small = new Pool({ threads: 1, maxQueue: 0, maxQueueBytes: 10_000 })
  const { release } = occupy(small)
  const maps = [1, 2, 3].map(() => small.map(identity, numbers(500)))
  const large = small.map(identity, [Buffer.alloc(9000), Buffer.alloc(50_000), 'x'.repeat(9000), Buffer.alloc(3 << 20)])
  await release()
  for (const mapped of maps) assert.deepEqual((await mapped).map(String), numbers(500))
  assert.equal((await large).length, 4)
  assert.equal(small.stats().queuedBytes, 0)
  await small.close()
})

test('does not fill the queue', async () => {
  const shared = new Pool({ threads: 2 })
  const { release } = occupy(shared)
  const mapped = shared.map(identity, Array(100_000).fill('x'))
  assert.ok(shared.stats().queued <= 16, `${shared.stats().queued} are queued`)
  const other = shared.run(identity, 'other')
  await release()
  assert.equal((await mapped).length, 100_000)
  assert.equal((await other).toString(), 'other')
  await shared.close()
})

test('an abort rejects with its reason and closes the inputs', async () => {
  const aborting = new Pool({ threads: 1 })
  const { release } = occupy(aborting)
  const abort = new AbortController()
  let isClosed = false
  function* inputs() {
    try {
      for (;;) yield 'x'
    } finally {
      isClosed = true
    }
  }
  const reason = new Error('enough')
  const mapped = aborting.map(identity, inputs(), { signal: abort.signal })
  abort.abort(reason)
  await assert.rejects(mapped, reason)
  assert.ok(isClosed)
  assert.equal(aborting.stats().queued, 0)
  await assert.rejects(aborting.map(identity, ['x'], { signal: abort.signal }), reason)
  await release()
  await aborting.close()
})

test('watches the signal from the first input to the last, so that an abort reads no further input', async () => {
  const { signal } = new AbortController()
  let removed = 0
  signal.removeEventListener = (/** @type {[any, any, any?]} */ ...args) => {
    removed++
    EventTarget.prototype.removeEventListener.apply(signal, args)
  }
  await pool.map(identity, numbers(5), { concurrency: 1, signal })
  assert.equal(removed, 1)
})

test('rejects invalid options', async () => {
  for (const options of [
    { concurrency: 0 },
    { concurrency: 1.5 },
    { concurrency: '3' },
    { settle: 1 },
    { priority: 'x' },
    5
  ]) {
    await assert.rejects(pool.map(identity, ['x'], /** @type {any} */ (options)), /options/)
  }
})

test('reads a few large inputs per event-loop iteration', async () => {
  const wide = new Pool({ threads: 16 })
  const input = Buffer.alloc(1 << 20)
  let count = 0
  function* inputs() {
    for (; count < 40; count++) yield input
  }
  const done = wide.map(identity, inputs())
  assert.ok(count <= 10, `${count} inputs were read in one iteration`)
  assert.equal((await done).length, 40)
  await wide.close()
})

for (const verb of /** @type {const} */ (['map', 'iterate', 'each'])) {
  test(`${verb}: maxWait does not reject inputs that wait only for each other`, async t => {
    const pool = new Pool({ threads: 2, maxWait: 60 })
    t.after(() => pool.close())
    const spin = userFunction('spin')
    const inputs = new Array(12).fill(30)
    let count = 0
    if (verb === 'map') count = (await pool.map(spin, inputs)).length
    else if (verb === 'iterate') for await (const _ of pool.iterate(spin, inputs)) count++
    else {
      const sink = pool.each(spin, undefined, { objectMode: true })
      for (const input of inputs) sink.write(input)
      sink.end()
      count = await sink.result
    }
    assert.equal(count, 12)
  })
}
