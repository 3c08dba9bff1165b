'use strict'

// Loads shared by several participants, some of which leave, close, or fail with errors that cannot be cloned.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const { Cache } = require('../..')
const { deferred } = require('../support/deferred')

const main = JSON.stringify(require.resolve('../..'))
const never = () => new Promise(() => {})

/**
 * Opens one cache three times.
 * @param {string} name
 * @param {object} [options]
 */
function three(name, options) {
  const open = () => new Cache({ max: 9, name, ...options })
  return [open(), open(), open()]
}

test('a participant that becomes the leader and leaves before it is notified hands the load over', async () => {
  const [first, second, third] = three('passed on')
  const controller = new AbortController()
  const lost = first.get('x', never)
  const aborted = second.get('x', { load: () => 'second', signal: controller.signal })
  const waits = third.get('x', () => 'third')
  first.close()
  controller.abort(new Error('left'))
  await assert.rejects(lost, { code: 'ERR_OFFLOOP_CLOSED' })
  await assert.rejects(aborted, { message: 'left' })
  assert.equal(await waits, 'third')
  assert.equal(await second.get('x', () => 'again'), 'third')
  assert.equal(second.stats().inFlight, 0)
  second.close()
  third.close()
})

test('an error that cannot be cloned still ends the load', async () => {
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

test('errors keep their causes, lists and codes', async () => {
  const [first, second, third] = three('crossing')
  const gate = deferred()
  const cause = Object.assign(new RangeError('cause'), { code: 'E_CAUSE' })
  const errors = {
    caused: Object.assign(new Error('top'), { cause, code: 'E_TOP' }),
    list: new AggregateError([new TypeError('one'), 'two'], 'all'),
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
  const [caused, list, dom] = /** @type {any[]} */ (await Promise.all(waiting))
  assert.deepEqual([caused.code, caused.cause.code, caused.cause instanceof RangeError], ['E_TOP', 'E_CAUSE', true])
  assert.ok(list instanceof AggregateError && list.errors[0] instanceof TypeError && list.errors[1] === 'two')
  assert.ok(dom instanceof DOMException && dom.name === 'TimeoutError' && dom.code === errors.dom.code)
  for (const cache of [first, second, third]) cache.close()
})

test('a rejected recursive load leaves no waiting participant behind', async () => {
  const [first, second, third] = three('refused')
  const controller = new AbortController()
  let refused
  /** @type {AbortSignal | undefined} */
  let signal
  const asks = first.get('x', {
    load: async (_, context) => {
      signal = context.signal
      refused = await second.get('x', never).catch(error => error.code)
      return never()
    },
    signal: controller.signal
  })
  asks.catch(() => {})
  while (refused === undefined) await turn()
  assert.equal(refused, 'ERR_OFFLOOP_RECURSIVE_LOAD')
  controller.abort()
  assert.ok(signal?.aborted)
  assert.equal(first.stats().inFlight, 0)
  assert.equal(await third.get('x', () => 'free'), 'free')
  for (const cache of [first, second, third]) cache.close()
})

test('a caller waits for a blocked thread no longer than loadTimeout', async () => {
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

test('a participant loads an id that the loadMany of another one did not return', async () => {
  const [first, second, third] = three('absent', { codec: 'json' })
  const gate = deferred()
  const calls = /** @type {any[]} */ ([])
  const one = first.getMany(['here', 'gone', 'lost'], async () => {
    await gate.promise
    return new Map([['here', 1]])
  })
  const other = second.getMany(['here', 'gone', 'lost'], async ids => {
    calls.push(ids)
    return new Map([['lost', 2]])
  })
  const get = (/** @type {string} */ id) =>
    third.get(id, () => {
      calls.push(id)
      return 3
    })
  const singles = Promise.all([get('gone'), get('lost'), third.refresh('here', { load: never })])
  gate.resolve(undefined)
  assert.deepEqual([...(await one)], [['here', 1]])
  const [gone, lost, here] = await singles
  const found = await other
  // The order in which participants ask again is not specified: the first one loads the id.
  assert.deepEqual([...found.keys()].slice(0, 1), ['here'])
  assert.ok(found.get('lost') === lost && [2, 3].includes(/** @type {any} */ (lost)))
  assert.deepEqual([gone, here], [3, 1])
  assert.equal(calls.filter(call => call === 'gone').length, 1)
  assert.equal(first.stats().inFlight, 0)
  for (const cache of [first, second, third]) cache.close()
})

test('a closed cache does not lead loads in the next cache of its name', async () => {
  const old = new Cache({ max: 9, name: 'reborn' })
  const gate = deferred()
  const requested = deferred()
  const late = old.get('x', async () => {
    await gate.promise
    const next = new Cache({ max: 9, name: 'reborn' })
    const joins = next.get('y', never)
    requested.resolve(undefined)
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
  await requested.promise
  loads.resolve(undefined)
  assert.equal(await value, 'value')
  reborn.close()
})
