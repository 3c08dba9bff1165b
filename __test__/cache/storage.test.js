'use strict'

const assert = require('node:assert/strict')
const { AsyncResource } = require('node:async_hooks')
const { test } = require('node:test')
const { inspect } = require('node:util')
const v8 = require('node:v8')
const { runInNewContext } = require('node:vm')
const { Cache } = require('../..')
const { VERSION_WORDS } = require('../../lib/native')
const { deferred } = require('../support/deferred')

test('native storage returns structured clones', async () => {
  const cache = new Cache({ max: 100, storage: 'native' })
  const values = [
    undefined,
    null,
    -0,
    10n ** 30n,
    'ä\u{1f600}\0',
    [1, new Array(2), 3],
    { a: { b: [new Date(5), /x/g, new Map([[1, new Set([2])]])] } },
    Buffer.from('abc'),
    new Float64Array([1.5, NaN]),
    new RangeError('far')
  ]
  for (const [id, value] of values.entries()) {
    cache.set(`${id}`, value)
    assert.deepEqual(cache.peek(`${id}`), value)
    assert.deepEqual(await cache.get(`${id}`, () => assert.fail('loads')), value)
  }
  assert.notEqual(cache.peek('6'), values[6])
})

test('a value that cannot be encoded makes set throw and a load fail', async () => {
  const native = new Cache({ max: 5, storage: 'native' })
  const refused = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: /value of 'a' cannot be encoded: value(\.f)? is a function$/
  }
  assert.throws(() => native.set('a', { f() {} }), refused)
  await assert.rejects(
    native.get('a', () => () => {}),
    refused
  )
  const json = new Cache({ max: 5, storage: 'native', codec: 'json' })
  const deep = { list: [{ 'a b': { toJSON: () => ({ id: 1n }) } }] }
  for (const [value, path] of /** @type {[any, string][]} */ ([
    [1n, 'value'],
    [deep, 'value.list[0]["a b"].id'],
    [Object(1n), 'value']
  ])) {
    const message = `The value of 'a' cannot be encoded: ${path} is a BigInt, which JSON cannot represent`
    assert.throws(() => json.set('a', value), { message })
  }
  /** @type {any} */
  const cyclic = { other: 1 }
  cyclic.self = cyclic
  assert.throws(() => json.set('a', cyclic), { message: /cannot be encoded: Converting circular structure/ })
  assert.throws(() => json.set('a', undefined), {
    message: /cannot be encoded.*undefined cannot be represented in JSON/
  })
  const bytes = new Cache({ max: 5, storage: 'native', codec: 'bytes' })
  assert.throws(() => bytes.set('a', /** @type {any} */ ('text')), {
    message:
      "The value of 'a' cannot be encoded: it must be an instance of Buffer or Uint8Array. Received type string ('text')"
  })
  assert.deepEqual([native.size, json.size, bytes.size], [0, 0, 0])
})

test("codecs: 'json', 'bytes' and user-defined", async () => {
  const json = new Cache({ max: 5, storage: 'native', codec: 'json' })
  json.set('a', { when: new Date(0) })
  assert.deepEqual(json.peek('a'), { when: '1970-01-01T00:00:00.000Z' })
  assert.equal(json.bytes, JSON.stringify({ when: new Date(0) }).length)

  const bytes = new Cache({ max: 5, storage: 'native', codec: 'bytes' })
  const source = Buffer.from('abc')
  bytes.set('a', source)
  source.fill(0)
  assert.deepEqual(bytes.peek('a'), Buffer.from('abc'))
  bytes.set('empty', Buffer.alloc(0))
  assert.deepEqual([bytes.peek('empty'), bytes.has('empty')], [Buffer.alloc(0), true])

  const own = new Cache({
    max: 5,
    storage: 'native',
    codec: { encode: value => Buffer.from(`<${value}>`), decode: buffer => buffer.toString().slice(1, -1) }
  })
  await own.get('a', () => 'x')
  assert.equal(await own.get('a', () => assert.fail('loads')), 'x')

  const broken = new Cache({
    max: 5,
    storage: 'native',
    codec: { encode: () => /** @type {any} */ ('text'), decode: v => String(v) }
  })
  assert.throws(() => broken.set('a', 'x'), { code: 'ERR_INVALID_ARG_TYPE', message: /encode\(\) must.*Uint8Array/ })
})

test('ids whose slots share a version word are decoded twice, even if they are read in turn', async () => {
  let decoded = 0
  const codec = {
    encode: (/** @type {number} */ value) => Buffer.from(`${value}`),
    decode: (/** @type {Uint8Array} */ bytes) => {
      decoded++
      return Number(Buffer.from(bytes))
    }
  }
  /** @type {Cache<number, number>} */
  const cache = new Cache({ max: 4 * VERSION_WORDS, storage: 'native', codec })
  for (let id = 0; id < 4 * VERSION_WORDS; id++) cache.set(id, id)
  const sharing = [0, 1, 2, 3].map(index => 7 + index * VERSION_WORDS)
  for (let round = 0; round < 5; round++) for (const id of sharing) assert.equal(cache.peek(id), id)
  assert.equal(decoded, 2 * sharing.length)
})

test('a decoding error names the id', async () => {
  /** @returns {number} */
  const decode = () => {
    throw new Error('garbage')
  }
  const cache = new Cache({ max: 5, ttl: 1000, storage: 'native', codec: { encode: () => Buffer.from('x'), decode } })
  cache.set('a', 1)
  assert.throws(() => cache.peek('a'), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /value of 'a' cannot be decoded: garbage/
  })
  await assert.rejects(
    cache.get('a', () => 1),
    { message: /cannot be decoded/ }
  )
  assert.equal(cache.has('a'), true)
  cache.delete('a')
})

test('native storage is outside the JavaScript heap', () => {
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  const used = () => {
    gc()
    return process.memoryUsage().heapUsed
  }
  const cache = new Cache({ max: 100_000, storage: 'native', codec: 'bytes' })
  const value = Buffer.alloc(2048, 1)
  const before = used()
  for (let id = 0; id < 50_000; id++) cache.set(`${id}`, value)
  const grown = used() - before
  assert.equal(cache.bytes, 50_000 * 2048)
  assert.ok(grown < 8e6, `the heap grew by ${grown} bytes for 100 MB of values`)
  cache.close()
  assert.equal(cache.bytes, 0)
})

/** Returns a function that collects garbage and returns the bytes in V8's heap and in ArrayBuffers. */
function memoryMeter() {
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  return () => {
    gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
}

test('a heap cache whose entries were deleted keeps no memory of them', { timeout: 60_000 }, async () => {
  const used = memoryMeter()
  /** @type {Cache<number, number>} */
  const cache = new Cache({ max: 300_000, ttl: 60_000 })
  const before = used()
  for (let id = 0; id < 300_000; id++) cache.set(id, id)
  const filled = used() - before
  for (let id = 0; id < 300_000; id++) cache.delete(id)
  assert.ok(filled > 10e6, `${filled} bytes`)
  // V8 frees some of the memory later.
  while (used() - before > filled / 20) await new Promise(resolve => setImmediate(resolve))
  cache.set(1, 1)
  assert.deepEqual([...cache], [[1, 1]])
})

test('a heap cache whose loads have ended keeps no memory of them', { timeout: 60_000 }, async () => {
  const used = memoryMeter()
  const cache = new Cache({ max: 1 })
  const gate = deferred()
  /** @type {Promise<unknown>[]} */
  let loads = []
  const before = used()
  for (let id = 0; id < 200_000; id++) loads.push(cache.get(`${id}`, () => gate.promise))
  const filled = used() - before
  gate.resolve(1)
  await Promise.all(loads)
  loads = []
  while (used() - before > filled / 50) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await cache.get('another', () => 2), 2)
})

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`a load that begins in the context of an ended one does not keep it in memory, ${storage}`, async () => {
    v8.setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    /** @type {Cache<number, number>} */
    const cache = new Cache({ max: 5, storage })
    /** @type {WeakRef<object> | undefined} */
    let first
    const last = await new Promise(resolve => {
      const get = (/** @type {number} */ id) =>
        cache.get(id, (_, context) => {
          first ??= new WeakRef(context)
          if (id === 9) resolve(new AsyncResource('last'))
          else setImmediate(get, id + 1)
          return id
        })
      get(0)
    })
    while (first?.deref() !== undefined) {
      await new Promise(resolve => setImmediate(resolve))
      gc()
    }
    assert.ok(last instanceof AsyncResource)
    cache.close()
  })
}

test('an unreachable cache is collected, but not while a caller waits', { timeout: 60_000 }, async () => {
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  /** @type {(value: number) => void} */
  let resolveLoad = () => {}
  const waits = (() => {
    const cache = new Cache({ max: 5 })
    return cache.get('a', () => new Promise(resolve => (resolveLoad = resolve)))
  })()
  for (let i = 0; i < 5; i++) {
    gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  resolveLoad(5)
  assert.equal(await waits, 5)
  const dropped = new WeakRef(new Cache({ max: 5 }))
  while (dropped.deref() !== undefined) {
    await new Promise(resolve => setImmediate(resolve))
    gc()
  }
})

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`keys, values and forEach iterate as entries does, ${storage}`, () => {
    const cache = new Cache({ max: 10, storage })
    for (const id of ['a', 'b', 3]) cache.set(/** @type {any} */ (id), { id })
    cache.peek('a')
    const entries = [...cache.entries()]
    assert.deepEqual(
      entries.map(([id]) => id),
      [3, 'b', 'a']
    )
    const keys = cache.keys()
    const values = cache.values()
    assert.equal(keys[Symbol.iterator](), keys)
    assert.equal(values[Symbol.iterator](), values)
    cache.delete('b')
    cache.set('late', {})
    const left = [...values]
    assert.deepEqual([[...keys], left], [[3, 'b', 'a'], entries.map(([, value]) => value)], 'a snapshot')
    /** @type {any[]} */
    const calls = []
    const self = {}
    /** @type {(this: unknown, ...args: any[]) => void} */
    const callback = function (...args) {
      cache.clear()
      calls.push([this, ...args])
    }
    const returned = cache.forEach(callback, self)
    assert.equal(returned, undefined)
    assert.deepEqual(
      calls.map(([it, value, id, owner]) => [it === self, value, id, owner === cache]),
      [
        [true, {}, 'late', true],
        [true, { id: 3 }, 3, true],
        [true, { id: 'a' }, 'a', true]
      ]
    )
    assert.deepEqual([[...cache.keys()], [...cache.values()]], [[], []])
    assert.throws(() => cache.forEach(/** @type {any} */ (undefined)), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'The "callback" argument must be of type function. Received undefined'
    })
  })

  test(`after close every method throws or rejects, ${storage}`, async () => {
    const cache = /** @type {any} */ (new Cache({ max: 10, storage, load: () => 1 }))
    cache.set('a', 1)
    cache.close()
    const args = { getMany: [['a']], set: ['a', 1], forEach: [() => {}], resize: [{ max: 5 }] }
    const closed = { name: 'OffloopError', code: 'ERR_OFFLOOP_CLOSED' }
    for (const name of Reflect.ownKeys(Cache.prototype)) {
      const { value, get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(Cache.prototype, name))
      const call = () => value.apply(cache, Reflect.get(args, name) ?? ['a'])
      if (name === 'constructor' || name === inspect.custom || name === Symbol.for('offloop.copy')) continue
      if (get !== undefined) assert.equal(get.call(cache), 0)
      else if (name === 'close' || name === Symbol.dispose) assert.equal(call(), undefined)
      else if (['get', 'getMany', 'refresh'].includes(String(name))) await assert.rejects(call(), closed)
      else assert.throws(call, closed, String(name))
    }
    await assert.rejects(cache.get('a', { signal: new AbortController().signal }), closed)
    await assert.rejects(cache.getMany([]), closed)
  })
}
