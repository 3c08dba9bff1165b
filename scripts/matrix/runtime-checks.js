'use strict'

// Checks for Bun and Deno, where the tests cannot run: they rely on Node's garbage collector, processes and event loop order.
// Each check runs in a new process.
//
// bun scripts/matrix/runtime-checks.js 'pool.run'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { Readable, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { MessageChannel, isMainThread, Worker, workerData } = require('node:worker_threads')
const { gunzipSync } = require('node:zlib')
const { Cache, OffloopError, Pool, move, pool, transforms } = require('../..')

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const hex = () => transforms.digest('sha256', { encoding: 'hex' })
const TEXT = 'all work and no play '.repeat(100_000)
const MODULE = require.resolve('./module.js')

/** @type {Record<string, () => Promise<void>>} */
const runtimeChecks = {
  async 'pool.run'() {
    assert.equal(await pool.run(hex(), 'abc'), ABC)
    assert.equal(String(gunzipSync(await pool.run(transforms.gzip(), TEXT))), TEXT)
  },
  async 'error classes and codes'() {
    const error = await pool.run(transforms.gunzip(), Buffer.from('no')).catch(error => error)
    assert.ok(error instanceof OffloopError)
    assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA')
    await assert.rejects(pool.run(/** @type {any} */ (null), 'x'), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  },
  async 'move detaches its input'() {
    const bytes = new Uint8Array(2 << 20).fill(7)
    const result = await pool.run(transforms.identity(), move(bytes))
    assert.deepEqual([bytes.byteLength, result.length, result[5]], [0, 2 << 20, 7])
  },
  async 'large inputs are copied in steps'() {
    const bytes = Buffer.alloc(5 << 20, 3)
    assert.ok(bytes.equals(await pool.run(transforms.identity(), bytes)))
  },
  async 'pool.map'() {
    const inputs = Array.from({ length: 5000 }, (_, index) => String(index))
    assert.deepEqual((await pool.map(transforms.identity(), inputs)).map(String), inputs)
  },
  async 'pool.iterate'() {
    const results = []
    for await (const result of pool.iterate(transforms.identity(), ['a', 'b', 'c'])) results.push(String(result))
    assert.deepEqual(results, ['a', 'b', 'c'])
  },
  async 'pool.stream'() {
    /** @type {Buffer[]} */
    const chunks = []
    const end = new Writable({ write: (chunk, _, done) => done(void chunks.push(chunk)) })
    await pipeline(Readable.from([Buffer.from(TEXT), Buffer.from(TEXT)]), pool.stream(transforms.gzip()), end)
    assert.equal(String(gunzipSync(Buffer.concat(chunks))), TEXT + TEXT)
  },
  async 'pool.collect'() {
    const sink = pool.collect(hex())
    await pipeline(Readable.from([Buffer.from('a'), Buffer.from('bc')]), sink)
    assert.equal(await sink.result, ABC)
  },
  async 'a cache on the heap'() {
    let loads = 0
    const squares = new Cache({ max: 10, load: async (/** @type {string} */ id) => ++loads && Number(id) ** 2 })
    assert.deepEqual(await Promise.all(['3', '3', '4'].map(id => squares.get(id))), [9, 9, 16])
    assert.equal(loads, 2)
  },
  async 'a cache in native memory'() {
    const store = new Cache({ maxBytes: 1 << 20, storage: 'native' })
    const value = { text: 'x', bytes: new Uint8Array([1, 2]), when: new Date(5), map: new Map([[1, { a: [null] }]]) }
    store.set('id', value)
    assert.deepEqual(store.peek('id'), value)
  },
  async 'a named cache and pool across worker threads'() {
    const shared = new Cache({ maxBytes: 1 << 20, name: 'shared' })
    const own = new Pool({ name: 'shared' })
    if (!isMainThread) {
      assert.equal(shared.peek('from'), 'main')
      assert.equal(await own.run(hex(), 'abc'), ABC)
      return shared.set('from', 'worker')
    }
    shared.set('from', 'main')
    const worker = new Worker(__filename, { workerData: 'a named cache and pool across worker threads' })
    assert.deepEqual(await once(worker, 'exit'), [0])
    assert.equal(shared.peek('from'), 'worker')
    assert.equal(own.stats().completed, 1)
  },
  async 'transforms.worker'() {
    const shout = transforms.worker(MODULE, { export: 'shout' })
    assert.deepEqual(await pool.map(shout, ['a', 'b', 'c']), ['A', 'B', 'C'])
  },
  async 'a module that never returns is aborted'() {
    const abort = new AbortController()
    const { port1, port2 } = new MessageChannel()
    const spinning = pool.run(transforms.worker(MODULE, { export: 'spin' }), move(port2), { signal: abort.signal })
    await Promise.race([spinning, once(port1, 'message')])
    port1.close()
    abort.abort()
    await assert.rejects(spinning, { name: 'AbortError' })
    assert.equal(await pool.run(transforms.worker(MODULE, { export: 'shout' }), 'a'), 'A')
  },
  async 'json.parse'() {
    const value = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `näme ${id}`, tags: ['a', null, true, 1.5] }))
    assert.deepEqual(await pool.run(transforms.json.parse(), JSON.stringify(value)), value)
  },
  async 'json.stringify'() {
    const value = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `näme ${id}`, when: new Date(id) }))
    assert.equal(String(await pool.run(transforms.json.stringify(), value)), JSON.stringify(value))
  },
  async 'csv.parse'() {
    const table = await pool.run(transforms.csv.parse({ columns: { price: 'number' } }), 'name,price\nplum,0.5\nfig,2')
    assert.deepEqual(
      [[...table.column('price')], table.column('name')],
      [
        [0.5, 2],
        ['plum', 'fig']
      ]
    )
  },
  async abort() {
    const signal = AbortSignal.abort(new Error('on purpose'))
    await assert.rejects(pool.run(transforms.identity(), 'x', { signal }), /on purpose/)
    const late = new AbortController()
    const packed = pool.run(transforms.brotliCompress(), Buffer.alloc(64 << 20, 'abc'), { signal: late.signal })
    setImmediate(() => late.abort())
    await assert.rejects(packed, { name: 'AbortError' })
  },
  async close() {
    const own = new Pool({ threads: 1 })
    const task = own.run(hex(), 'abc')
    await own.close()
    assert.equal(await task, ABC)
    await assert.rejects(own.run(hex(), 'abc'), { code: 'ERR_OFFLOOP_CLOSED' })
  },
  async 'an unfinished task keeps the process alive'() {
    pool.run(transforms.pbkdf2('sha256', Buffer.alloc(16), 100_000, 32), 'x').then(() => console.log('passed'))
  },
  async 'process.exit during work'() {
    for (let task = 0; task < 20; task++)
      pool.run(transforms.brotliCompress(), Buffer.alloc(8 << 20, 'abc')).catch(() => {})
    console.log('passed')
    setImmediate(() => process.exit(0))
  }
}

/** Checks that print their success themselves. */
const PRINTS = ['an unfinished task keeps the process alive', 'process.exit during work']

module.exports = { runtimeChecks }

const name = isMainThread ? process.argv[2] : workerData
if (require.main === module || !isMainThread) {
  runtimeChecks[name]().then(
    () => {
      if (isMainThread && !PRINTS.includes(name)) console.log('passed')
    },
    error => {
      console.error(error)
      process.exitCode = 1
    }
  )
}
