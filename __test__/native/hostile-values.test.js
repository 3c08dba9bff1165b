'use strict'

const assert = require('node:assert/strict')
const { mock, test } = require('node:test')
const { Pool, pool, transforms, move, panic } = require('../support/fault-addon')

const identity = transforms.identity()
const turn = () => new Promise(resolve => setImmediate(resolve))

test('tasks settle if prepareStackTrace throws or returns an object', async () => {
  const { prepareStackTrace } = Error
  for (const prepare of [() => ({ any: 'thing' }), () => assert.fail('on purpose')]) {
    Error.prepareStackTrace = prepare
    const failing = pool.run(panic, 'x')
    const other = pool.run(identity, 'x')
    const failure = await failing.catch(error => error)
    Error.prepareStackTrace = prepareStackTrace
    assert.equal(failure.code, 'ERR_OFFLOOP_PANIC')
    assert.equal(String(await other), 'x')
  }
  assert.equal(String(await pool.run(identity, 'x')), 'x')
})

test('promises settle under fake timers', async () => {
  mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval'] })
  try {
    for (let i = 0; i < 100; i++) assert.equal(String(await pool.run(identity, 'x')), 'x')
    assert.equal((await pool.run(identity, Buffer.alloc(3 << 20))).length, 3 << 20)
    assert.equal((await pool.map(identity, Array(2000).fill('x'))).length, 2000)
  } finally {
    mock.timers.reset()
  }
})

/**
 * Calls `abort` on the first read, and `closed` when the iterator is closed.
 * @param {() => void} abort
 * @param {() => void} closed
 */
function* aborting(abort, closed) {
  try {
    abort()
    for (let i = 0; i < 1000; i++) yield 'x'
  } finally {
    closed()
  }
}

/** @param {Iterable<string>} inputs */
async function* asynchronous(inputs) {
  yield* inputs
}

test('observes an abort during the first read of the inputs', async () => {
  for (const wrap of [(/** @type {Iterable<string>} */ inputs) => inputs, asynchronous]) {
    const abort = new AbortController()
    const reason = new Error('enough')
    let isClosed = false
    const inputs = aborting(
      () => abort.abort(reason),
      () => {
        isClosed = true
      }
    )
    await assert.rejects(pool.map(identity, wrap(inputs), { signal: abort.signal }), reason)
    while (!isClosed) await turn()
  }
})

test('does not consume an input yielded after the abort', async () => {
  const abort = new AbortController()
  const buffer = Buffer.alloc(100_000)
  let isClosed = false
  function* inputs() {
    try {
      yield 'x'
      abort.abort()
      yield move(buffer)
    } finally {
      isClosed = true
    }
  }
  await assert.rejects(pool.map(identity, /** @type {any} */ (inputs()), { signal: abort.signal }), {
    name: 'AbortError'
  })
  assert.equal(buffer.length, 100_000)
  assert.ok(isClosed)
})

test('a forced close rejects a map that waits for inputs', async () => {
  const own = new Pool({ threads: 1 })
  async function* never() {
    await new Promise(() => {})
    yield 'x'
  }
  const mapped = own.map(identity, never())
  await turn()
  await own.close({ force: true })
  await assert.rejects(mapped, { code: 'ERR_OFFLOOP_CLOSED' })
})

test('reads the bytes of a Uint8Array subclass without its constructor', async () => {
  class Frame extends Uint8Array {
    /** @param {any} length */
    constructor(length) {
      super(typeof length === 'number' ? length : 5)
    }
  }
  const frame = new Frame(3 << 20).fill(7)
  assert.deepEqual(await pool.run(identity, frame), Buffer.alloc(3 << 20, 7))
})

test('rejects an unknown option with a cyclic value', () => {
  /** @type {any} */
  const deep = { threads: 1 }
  deep.a = deep
  deep.b = deep
  assert.throws(() => new Pool(deep), { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.a' is unknown/ })
  assert.equal(new Pool({ threads: 2, ...{ other: undefined } }).threads, 2)
})

test('rejects an invalid signal with a TypeError before it starts a task', async () => {
  const signal = /** @type {any} */ ({ aborted: false })
  await assert.rejects(pool.run(identity, 'x', { signal }), { code: 'ERR_INVALID_ARG_TYPE' })
  await assert.rejects(pool.map(identity, ['x'], { signal }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('rejects with a TypeError if an iterator result is not an object', async () => {
  const inputs = /** @type {any} */ ({ [Symbol.iterator]: () => ({ next: () => 5 }) })
  await assert.rejects(pool.map(identity, inputs), {
    name: 'TypeError',
    message: /The result of next\(\) must be an object/
  })
  await assert.rejects(pool.map(identity, inputs, { settle: true }), { name: 'TypeError' })
})

test('setters on Object.prototype that use the pool change no outcome', async () => {
  let calls = 0
  /** @type {Promise<unknown>[]} */
  const inner = []
  Object.defineProperty(Object.prototype, 'transform', {
    configurable: true,
    get: () => undefined,
    set() {
      if (calls++ < 10) inner.push(pool.run(identity, 'inner'), pool.ready())
    }
  })
  try {
    const tasks = Array.from({ length: 100 }, (_, i) => pool.run(i % 3 ? identity : panic, `${i}`))
    const outcomes = await Promise.allSettled(tasks)
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') assert.equal(String(outcome.value), `${i}`)
      else assert.match(outcome.reason.message, /panic/)
    }
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 34)
    await Promise.all(inner)
    assert.ok(calls > 0)
  } finally {
    Reflect.deleteProperty(Object.prototype, 'transform')
  }
})

test('ignores own properties of a Uint8Array that shadow its size and memory', async () => {
  const secret = await pool.run(identity, Buffer.alloc(4000, 'secret'))
  assert.equal(secret.length, 4000)
  for (const length of [0, 5, 4000, 5000, 2 << 20]) {
    for (const name of ['length', 'byteLength', 'byteOffset', 'buffer']) {
      const input = new Uint8Array(9).fill(7)
      Object.defineProperty(input, name, { value: name === 'buffer' ? new ArrayBuffer(length) : length })
      assert.deepEqual(await pool.run(identity, input), Buffer.alloc(9, 7))
      assert.deepEqual(await pool.map(identity, [input]), [Buffer.alloc(9, 7)])
    }
  }
})
