'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const { Cache, Pool } = require('../..')
const { deferred } = require('../support/deferred')

const main = JSON.stringify(require.resolve('../..'))

/**
 * Starts a thread that opens a cache of this name as `cache`.
 * @param {string} name
 * @param {string} body
 * @param {unknown} [workerData]
 */
function thread(name, body, workerData) {
  const code = `
    const { Cache } = require(${main})
    const { parentPort, workerData } = require('node:worker_threads')
    const cache = new Cache({ max: 5000, name: '${name}' })
    ${body}`
  return new Worker(code, { eval: true, workerData })
}

test('8 threads load each of 1,000 ids once', async () => {
  const loads = new Int32Array(new SharedArrayBuffer(4))
  const body = `
    const load = async id => {
      Atomics.add(workerData, 0, 1)
      await new Promise(resolve => setImmediate(resolve))
      return { id }
    }
    Promise.all(Array.from({ length: 1000 }, (_, id) => cache.get(id, load))).then(values =>
      parentPort.postMessage(values.every((value, id) => value.id === id))
    )`
  const threads = Array.from({ length: 8 }, () => thread('once', body, loads))
  const cache = new Cache({ max: 5000, name: 'once' })
  const answers = await Promise.all(threads.map(worker => once(worker, 'message')))
  assert.deepEqual(
    answers.map(([isCorrect]) => isCorrect),
    Array(8).fill(true)
  )
  assert.equal(loads[0], 1000)
  assert.equal(cache.stats().loads, 1000)
  cache.close()
})

test('a waiting caller takes over the load of a terminated thread', async () => {
  const cache = new Cache({ max: 5000, name: 'handed over' })
  const loading = thread(
    'handed over',
    `cache.get('a', () => { parentPort.postMessage('loads'); return new Promise(() => {}) })
    setInterval(() => {}, 1000)`
  )
  await once(loading, 'message')
  const waits = cache.get('a', () => 'mine')
  assert.equal(cache.stats().inFlight, 1)
  await loading.terminate()
  assert.equal(await waits, 'mine')
  assert.equal(cache.peek('a'), 'mine')
  cache.close()
})

test('an error keeps its class and properties across threads', async () => {
  const cache = new Cache({ max: 5000, name: 'errors' })
  const body = `
    cache.get('a', () => {
      parentPort.postMessage('loads')
      return new Promise((_, reject) => parentPort.once('message', () => {
        reject(Object.assign(new RangeError('far', { cause: new Error('deep') }), { code: 'E_FAR' }))
      }))
    }).catch(() => {})`
  const loading = thread('errors', body)
  await once(loading, 'message')
  const waits = cache.get('a', () => assert.fail('loads'))
  loading.postMessage('now')
  const error = await waits.then(
    () => assert.fail('resolves'),
    error => error
  )
  assert.ok(error instanceof RangeError)
  assert.deepEqual(
    [error.message, Reflect.get(error, 'code'), /** @type {any} */ (error).cause.message],
    ['far', 'E_FAR', 'deep']
  )
  await loading.terminate()
  cache.close()
})

test('set, delete and clear in another thread are visible immediately', async () => {
  const cache = new Cache({ max: 5000, name: 'seen' })
  const body = `parentPort.on('message', ([call, ...args]) => parentPort.postMessage(cache[call](...args)))`
  const other = thread('seen', body)
  /** @param {...unknown} call */
  const request = async (...call) => {
    other.postMessage(call)
    return (await once(other, 'message'))[0]
  }
  await request('set', 'a', { version: 1 })
  assert.deepEqual(await cache.get('a', () => assert.fail('loads')), { version: 1 })
  assert.equal(cache.peek('a'), cache.peek('a'), 'the decoded copy is reused')
  await request('set', 'a', { version: 2 })
  assert.deepEqual(cache.peek('a'), { version: 2 })
  assert.equal(await request('delete', 'a'), true)
  assert.equal(cache.has('a'), false)
  cache.set('b', 1)
  assert.equal(await request('peek', 'b'), 1)
  await request('clear')
  assert.equal(cache.peek('b'), undefined)
  await other.terminate()
  cache.close()
})

test('joins an existing cache with the options that are passed', async () => {
  const name = 'joined'
  assert.throws(() => new Cache({ name }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /options\.max.*required.*no cache named 'joined' exists/
  })
  const first = new Cache({ max: 10, name, codec: 'json', loadTimeout: 1 })
  const second = new Cache({ name })
  const third = new Cache({ max: 10, jitter: 0, codec: 'json', name })
  first.set('a', { at: new Date(0) })
  assert.deepEqual(second.peek('a'), { at: '1970-01-01T00:00:00.000Z' }, 'the codec of the existing cache')
  const keepsAlive = setInterval(() => {}, 1000)
  await assert.rejects(
    second.get('b', () => new Promise(() => {})),
    { name: 'TimeoutError' }
  )
  clearInterval(keepsAlive)
  for (const cache of [first, second, third]) cache.close()
  const own = { encode: (/** @type {any} */ value) => Buffer.from(value), decode: String }
  const custom = new Cache({ max: 10, name, codec: own })
  assert.throws(() => new Cache({ name }), { code: 'ERR_INVALID_ARG_VALUE', message: /encode and decode/ })
  const other = new Cache({ name, codec: own })
  custom.close()
  other.close()
  assert.throws(() => new Cache({ name }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('rejects options that differ from those of the existing cache', () => {
  const cache = new Cache({ max: 10, ttl: 1000, name: 'options' })
  const wrong = (/** @type {any} */ options) => () => new Cache({ max: 10, ttl: 1000, name: 'options', ...options })
  const expected = (/** @type {RegExp} */ message) => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
  assert.throws(
    wrong({ max: 11 }),
    expected(
      /^A cache named 'options' exists with max = 10\. Received max = 11\. Leave these options out to join the existing cache$/
    )
  )
  assert.throws(
    wrong({ max: 11, errorTtl: 5 }),
    expected(/exists with errorTtl = 0, max = 10\. Received errorTtl = 5, max = 11\. Leave these options out to join/)
  )
  assert.throws(wrong({ policy: 's3-fifo' }), expected(/exists with policy = lru\. Received policy = s3-fifo\./))
  assert.throws(wrong({ maxBytes: 5 }), expected(/exists with maxBytes = undefined\. Received maxBytes = 5\./))
  assert.throws(
    wrong({ codec: { encode: Buffer.from, decode: String } }),
    expected(/codec = v8\. Received codec = custom\./)
  )
  assert.throws(wrong({ codec: 'json' }), expected(/codec = v8\. Received codec = json\./))
  cache.close()
})

test('a pool and a cache may have the same name', async () => {
  const [cache, pool] = [new Cache({ max: 10, name: 'both' }), new Pool({ threads: 1, name: 'both' })]
  const others = [new Cache({ name: 'both' }), new Pool({ name: 'both' })]
  for (const it of [cache, pool, ...others]) await it.close()
})

test('two caches of one name in one thread share loads', async () => {
  const options = { max: 10, name: 'twice' }
  const [first, second] = [new Cache(options), new Cache(options)]
  const { promise, resolve } = deferred()
  const both = [first.get('a', () => promise), second.get('a', () => assert.fail('loads'))]
  resolve('value')
  assert.deepEqual(await Promise.all(both), ['value', 'value'])
  await assert.rejects(
    first.get('b', () => second.get('b', () => 1)),
    { code: 'ERR_OFFLOOP_RECURSIVE_LOAD' }
  )
  const { promise: never } = deferred()
  const independent = second.get('c', () => 'taken over')
  const abandoned = first.get('d', () => never)
  const follows = second.get('d', () => 'taken over')
  first.close()
  await assert.rejects(abandoned, { code: 'ERR_OFFLOOP_CLOSED' })
  assert.deepEqual(await Promise.all([independent, follows]), ['taken over', 'taken over'])
  second.close()
})

test('a cached error is shared by all threads until one deletes it', async () => {
  const options = "{ max: 10, name: 'failures', errorTtl: 600000 }"
  const cache = new Cache({ max: 10, name: 'failures', errorTtl: 600_000 })
  const other = new Worker(
    `const cache = new (require(${main}).Cache)(${options})
    const { parentPort } = require('node:worker_threads')
    parentPort.on('message', async verb => {
      if (verb === 'delete') return parentPort.postMessage(cache.delete('a'))
      parentPort.postMessage(await cache.get('a', () => 'loaded').catch(error => error.message))
    })`,
    { eval: true }
  )
  await assert.rejects(
    cache.get('a', () => Promise.reject(new RangeError('down'))),
    /down/
  )
  const request = async (/** @type {string} */ verb) => {
    other.postMessage(verb)
    return (await once(other, 'message'))[0]
  }
  assert.equal(await request('get'), 'down')
  await assert.rejects(
    cache.get('a', () => assert.fail('loads')),
    { name: 'RangeError', message: 'down' }
  )
  await request('delete')
  assert.equal(await cache.get('a', () => 'new'), 'new')
  await other.terminate()
  cache.close()
})

test('aborts a load when the thread of the last waiting caller has ended', async () => {
  const cache = new Cache({ max: 10, name: 'abandoned' })
  const abort = new AbortController()
  /** @type {AbortSignal | undefined} */
  let signal
  const own = cache.get('a', {
    load: (_, context) => {
      signal = context.signal
      return new Promise(() => {})
    },
    signal: abort.signal
  })
  const body = "cache.get('a', () => 1); parentPort.postMessage('waits')"
  const other = new Worker(
    `const cache = new (require(${main}).Cache)({ max: 10, name: 'abandoned' })
    const { parentPort } = require('node:worker_threads')
    ${body}`,
    { eval: true }
  )
  await once(other, 'message')
  abort.abort()
  await assert.rejects(own, { name: 'AbortError' })
  assert.equal(signal?.aborted, false, 'the other thread still waits')
  await other.terminate()
  // An abandoned load does not keep the process alive, so the test has to.
  while (!signal?.aborted) await turn()
  assert.equal(cache.stats().inFlight, 0)
  cache.close()
})
