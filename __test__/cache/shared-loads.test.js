'use strict'

// Flights that several participants share, when some of them leave, end, or say what cannot be said.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const { Cache } = require('../..')
const { deferred } = require('../support/deferred')

const main = JSON.stringify(require.resolve('../..'))
const never = () => new Promise(() => {})

/** Three participants of one cache. @param {string} name @param {object} [options] */
function three(name, options) {
  const open = () => new Cache({ max: 9, name, ...options })
  return [open(), open(), open()]
}

test('whoever leaves before it hears that it leads passes the lead on', async () => {
  const [first, second, third] = three('passed on')
  const left = new AbortController()
  const lost = first.get('x', never)
  const aborted = second.get('x', () => 'second', { signal: left.signal })
  const waits = third.get('x', () => 'third')
  first.close()
  left.abort(new Error('left'))
  await assert.rejects(lost, { code: 'ERR_OFFLOOP_CLOSED' })
  await assert.rejects(aborted, { message: 'left' })
  assert.equal(await waits, 'third')
  assert.equal(await second.get('x', () => 'again'), 'third')
  assert.equal(second.stats().inFlight, 0)
  second.close()
  third.close()
})

test('an error that cannot be cloned ends the load all the same', async () => {
  const [first, second, third] = three('uncloneable')
  const cyclic = new Error('cyclic')
  cyclic.cause = new Error('its cause', { cause: cyclic })
  const hostile = Object.defineProperty(new Error('hostile'), 'at', {
    enumerable: true,
    get() {
      throw new Error('no')
    }
  })
  const unnamed = Object.assign(new Error('unnamed'), { name: Symbol('none') })
  for (const [id, error] of Object.entries({ cyclic, hostile, unnamed, thrown: Object.create(null), f: () => {} })) {
    const gate = deferred()
    const loads = first.get(id, async () => {
      await gate.promise
      throw error
    })
    const waits = second.get(id, () => 'never')
    gate.resolve(undefined)
    await assert.rejects(loads, thrown => thrown === error)
    await assert.rejects(
      waits.then(() => assert.fail('there is no value')),
      thrown => {
        if (error instanceof Error) assert.equal(/** @type {Error} */ (thrown).message, error.message)
        return true
      }
    )
    assert.equal(first.stats().inFlight, 0)
    assert.equal(await first.get(id, () => 'next'), 'next')
  }
  for (const cache of [first, second, third]) cache.close()
})

test('errors cross with what is in them', async () => {
  const [first, second, third] = three('crossing')
  const gate = deferred()
  const cause = Object.assign(new RangeError('cause'), { code: 'E_CAUSE' })
  const errors = {
    caused: Object.assign(new Error('top'), { cause, code: 'E_TOP' }),
    many: new AggregateError([new TypeError('one'), 'two'], 'all'),
    dom: new DOMException('too late', 'TimeoutError')
  }
  for (const [id, error] of Object.entries(errors)) {
    first
      .get(id, async () => {
        await gate.promise
        throw error
      })
      .catch(() => {})
  }
  const waiting = Object.keys(errors).map(id => second.get(id, never).catch(error => error))
  gate.resolve(undefined)
  const [caused, many, dom] = /** @type {any[]} */ (await Promise.all(waiting))
  assert.deepEqual([caused.code, caused.cause.code, caused.cause instanceof RangeError], ['E_TOP', 'E_CAUSE', true])
  assert.ok(many instanceof AggregateError && many.errors[0] instanceof TypeError && many.errors[1] === 'two')
  assert.ok(dom instanceof DOMException && dom.name === 'TimeoutError' && dom.code === errors.dom.code)
  for (const cache of [first, second, third]) cache.close()
})

test('a recursion that is refused leaves nobody behind who waits', async () => {
  const [first, second, third] = three('refused')
  const left = new AbortController()
  let refused
  /** @type {AbortSignal | undefined} */
  let signal
  const asks = first.get(
    'x',
    async (_, context) => {
      signal = context.signal
      refused = await second.get('x', never).catch(error => error.code)
      return never()
    },
    { signal: left.signal }
  )
  asks.catch(() => {})
  while (refused === undefined) await turn()
  assert.equal(refused, 'ERR_OFFLOOP_RECURSIVE_LOAD')
  left.abort()
  assert.ok(signal?.aborted)
  assert.equal(first.stats().inFlight, 0)
  assert.equal(await third.get('x', () => 'free'), 'free')
  for (const cache of [first, second, third]) cache.close()
})

test('who waits for a thread that is stuck waits no longer than loadTimeout', async () => {
  const stuck = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `const { Cache } = require(${main})
    const { parentPort, workerData } = require('node:worker_threads')
    const cache = new Cache({ max: 9, name: 'stuck', loadTimeout: 50 })
    parentPort.on('message', () => {})
    cache.get('x', () => {
      parentPort.postMessage('loads')
      return new Promise(resolve => setImmediate(() => resolve(Atomics.wait(workerData, 0, 0))))
    }).catch(() => {})`,
    { eval: true, workerData: stuck }
  )
  const cache = new Cache({ max: 9, name: 'stuck', loadTimeout: 50 })
  await once(worker, 'message')
  await assert.rejects(
    cache.get('x', () => 'mine'),
    { name: 'TimeoutError' }
  )
  assert.equal(await cache.get('x', () => 'mine'), 'mine')
  Atomics.store(stuck, 0, 1)
  Atomics.notify(stuck, 0)
  await worker.terminate()
  assert.equal(cache.peek('x'), 'mine')
  cache.close()
})

test('what a loader of many does not bring is absent in other threads too', async () => {
  const [first, second, third] = three('absent', { codec: 'json' })
  const gate = deferred()
  const load = async () => {
    await gate.promise
    return new Map([['here', 1]])
  }
  const one = first.getMany(['here', 'gone'], load)
  const other = second.getMany(['here', 'gone'], never)
  const single = third.get('gone', never)
  gate.resolve(undefined)
  assert.deepEqual([...(await one)], [['here', 1]])
  assert.deepEqual([...(await other)], [['here', 1]])
  assert.equal(await single, undefined)
  for (const cache of [first, second, third]) cache.close()
})

test('an environment that has closed a cache leads nothing in the next of that name', async () => {
  const old = new Cache({ max: 9, name: 'reborn' })
  const gate = deferred()
  const asked = deferred()
  const late = old.get('x', async () => {
    await gate.promise
    const next = new Cache({ max: 9, name: 'reborn' })
    const joins = next.get('y', never)
    asked.resolve(undefined)
    return joins
  })
  old.close()
  await assert.rejects(late, { code: 'ERR_OFFLOOP_CLOSED' })
  const reborn = new Cache({ max: 9, name: 'reborn' })
  const loads = deferred()
  const value = reborn.get('y', async () => {
    await loads.promise
    return 'value'
  })
  gate.resolve(undefined)
  await asked.promise
  loads.resolve(undefined)
  assert.equal(await value, 'value')
  reborn.close()
})
