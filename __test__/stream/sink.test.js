'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const { createReadStream } = require('node:fs')
const { createServer, request } = require('node:http')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { gunzipSync } = require('node:zlib')
const { Pool, Sink, pool, transforms } = require('../..')
const { node } = require('../support/child')
const { deferred } = require('../support/deferred')
const { occupy } = require('../support/occupy')

const { digest, gunzip, gzip, identity } = transforms

test("a sink's result is that of its transform over all chunks", async () => {
  const hash = pool.collect(digest('sha256', { encoding: 'hex' }))
  assert.ok(hash instanceof Sink)
  await pipeline(createReadStream(__filename, { highWaterMark: 100 }), hash)
  const expected = await pool.run(digest('sha256', { encoding: 'hex' }), require('node:fs').readFileSync(__filename))
  assert.equal(await hash.result, expected)
  const packed = pool.collect(gzip())
  packed.end('all of it')
  assert.equal(String(gunzipSync(await packed.result)), 'all of it')
  const empty = pool.collect(digest('md5', { encoding: 'hex' }))
  empty.end()
  assert.equal(await empty.result, 'd41d8cd98f00b204e9800998ecf8427e')
})

test('each delivers the results in the order of the chunks', async () => {
  /** @type {[string, number][]} */
  const results = []
  const sink = pool.each(digest('md5', { encoding: 'hex' }), (hash, index) => void results.push([hash, index]))
  const chunks = Array.from({ length: 300 }, (_, index) => Buffer.alloc((index * 7919) % 100_000, index))
  await pipeline(Readable.from(chunks), sink)
  assert.equal(await sink.result, 300)
  const expected = chunks.map((chunk, index) => [createHash('md5').update(chunk).digest('hex'), index])
  assert.deepEqual(results, expected)
  assert.deepEqual(
    { ...sink.stats(), stalls: 0 },
    { written: 300, completed: 300, inFlight: 0, inFlightBytes: 0, stalls: 0 }
  )
})

test('objectMode accepts inputs of any kind', async () => {
  /** @type {string[]} */
  const results = []
  const onResult = (/** @type {Buffer} */ bytes) => {
    results.push(String(bytes))
  }
  const sink = pool.each(identity(), onResult, { objectMode: true })
  assert.equal(sink.writableHighWaterMark, 16)
  sink.write('text')
  sink.write(new Uint16Array([0x6261]))
  sink.write(Buffer.from('bytes').buffer.slice(0, 0))
  sink.end('')
  assert.equal(await sink.result, 4)
  assert.deepEqual(results, ['text', 'ab', '', ''])
  const bad = pool.each(identity(), undefined, { objectMode: true })
  bad.on('error', () => {})
  bad.write({ no: 'input' })
  await assert.rejects(bad.result, { code: 'ERR_INVALID_ARG_TYPE' })
})

test('an asynchronous onResult applies backpressure to the writer', async () => {
  const gate = deferred()
  let delivered = 0
  const onResult = async () => {
    delivered++
    await gate.promise
  }
  const sink = pool.each(identity(), onResult, { highWaterMark: 1000, concurrency: 2 })
  let written = 0
  while (sink.write(Buffer.alloc(400))) written++
  while (delivered === 0) await turn()
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(delivered, 1)
  assert.ok(sink.writableNeedDrain)
  assert.ok(sink.stats().inFlightBytes <= 1000)
  assert.ok(sink.stats().stalls > 0)
  gate.resolve(undefined)
  sink.end()
  assert.equal(await sink.result, written + 1)
})

test('a failure destroys the sink once and rejects its result', async () => {
  const chunk = pool.each(gunzip())
  /** @type {unknown[]} */
  const failures = []
  chunk.on('error', error => failures.push(error))
  chunk.write(require('node:zlib').gzipSync('fine'))
  chunk.write('no gzip data')
  await assert.rejects(chunk.result, { code: 'ERR_OFFLOOP_INVALID_DATA', index: 1 })
  await turn()
  assert.deepEqual([failures.length, chunk.closed], [1, true])
  for (const onResult of [
    () => {
      throw new Error('on purpose')
    },
    async () => {
      throw new Error('on purpose')
    }
  ]) {
    const sink = pool.each(identity(), onResult)
    /** @type {Error[]} */
    const errors = []
    sink.on('error', error => errors.push(error))
    sink.write('a')
    sink.write('b')
    await assert.rejects(sink.result, { message: 'on purpose' })
    await turn()
    assert.deepEqual([errors.length, sink.destroyed], [1, true])
  }
  const destroyed = pool.collect(identity())
  destroyed.destroy()
  await assert.rejects(destroyed.result, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
})

test("reading a sink's result handles its error", async () => {
  const listened = (/** @type {Sink<unknown>} */ sink) => sink.listenerCount('error')
  const bad = pool.collect(gunzip())
  assert.equal(listened(bad), 0)
  bad.end('no gzip data')
  await assert.rejects(bad.result, { code: 'ERR_OFFLOOP_INVALID_DATA' })
  const chunks = pool.each(gunzip())
  chunks.end('no gzip data')
  await assert.rejects(chunks.result, { code: 'ERR_OFFLOOP_INVALID_DATA' })
  const signal = AbortSignal.abort()
  await assert.rejects(pool.collect(gunzip(), { signal }).result, { name: 'AbortError' })
  await assert.rejects(pool.each(gunzip(), undefined, { signal }).result, { name: 'AbortError' })
  const slow = new Pool({ threads: 1, maxWait: 50 })
  const { release } = await occupy(slow)
  const late = slow.each(identity())
  late.end('late')
  await assert.rejects(late.result, { code: 'ERR_OFFLOOP_QUEUE_TIMEOUT' })
  await release()
  await slow.close()
  const dropped = pool.collect(gunzip())
  dropped.result
  assert.equal(dropped.result, dropped.result)
  assert.equal(listened(dropped), 1)
  dropped.end('no gzip data')
  await new Promise(resolve => dropped.on('close', resolve))
})

test('a sink whose result is not read has the errors of any stream', async () => {
  const script = `
    const { pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    pool.collect(transforms.gunzip()).end('no gzip data')`
  const { code, stderr } = await node(['-e', script])
  assert.equal(code, 1)
  assert.match(stderr, /Unhandled 'error' event.*ERR_OFFLOOP_INVALID_DATA/s)
})

test('onResult runs in the async context of the caller of a sink', async () => {
  const context = new AsyncLocalStorage()
  /** @type {unknown[]} */
  const stores = []
  const onResult = () => {
    stores.push(context.getStore())
  }
  const sink = context.run('opened', () => pool.each(identity(), onResult))
  context.run('wrote', () => sink.write('a'))
  sink.end()
  await sink.result
  assert.deepEqual(stores, ['opened'])
})

test('events are emitted in the async context of the caller of stream()', async () => {
  const context = new AsyncLocalStorage()
  /** @type {Record<string, unknown>} */
  const stores = {}
  const record = (/** @type {string} */ name) => {
    stores[name] = context.getStore()
  }
  const stream = context.run('opened', () => pool.stream(gzip()))
  for (const name of ['data', 'end', 'finish', 'close']) stream.on(name, () => record(name))
  context.run('wrote', () => stream.write('a'))
  stream.end()
  await once(stream, 'close')
  const failing = context.run('opened', () => pool.collect(gunzip()))
  const failed = new Promise(resolve => failing.on('error', () => resolve(record('error'))))
  context.run('wrote', () => failing.end('no gzip data'))
  await failed
  assert.deepEqual(stores, { data: 'opened', end: 'opened', finish: 'opened', close: 'opened', error: 'opened' })
})

test('a writer may reuse its memory after the write callback', async () => {
  for (const kind of ['collect', 'each']) {
    const hash = createHash('sha256')
    /** @type {Buffer[]} */
    const results = []
    const onResult = (/** @type {Buffer} */ bytes) => void results.push(bytes)
    const options = { highWaterMark: 100_000 }
    const sink = kind === 'each' ? pool.each(identity(), onResult, options) : pool.collect(identity(), options)
    for (const size of [10, 70_000, 3_000_000, 1]) {
      const memory = Buffer.alloc(size, size)
      hash.update(memory)
      await new Promise(resolve => sink.write(memory, resolve))
      memory.fill(0)
    }
    sink.end()
    const result = await sink.result
    const bytes = typeof result === 'number' ? Buffer.concat(results) : result
    assert.equal(createHash('sha256').update(bytes).digest('hex'), hash.digest('hex'))
  }
})

test('streams wait for a full pool instead of being rejected', async () => {
  const own = new Pool({ threads: 1, maxQueue: 0 })
  const sinks = Array.from({ length: 8 }, () => own.collect(digest('crc32', { encoding: 'hex' })))
  const all = sinks.map(sink => pipeline(Readable.from(Array(50).fill(Buffer.alloc(10_000, 'a'))), sink))
  await Promise.all(all)
  const [first, ...others] = await Promise.all(sinks.map(sink => sink.result))
  for (const other of others) assert.equal(other, first)
  assert.equal(own.stats().rejected, 0)
  await own.close()
})

test('throws for invalid arguments and for a factory that was not called', () => {
  const common = /** @type {[any, any][]} */ ([
    [{ highWaterMark: -1 }, { code: 'ERR_OUT_OF_RANGE', message: /options\.highWaterMark/ }],
    [{ highWaterMark: '5' }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ signal: {} }, { code: 'ERR_INVALID_ARG_TYPE', message: /options\.signal/ }],
    [{ priority: 'top' }, { code: 'ERR_INVALID_ARG_VALUE' }],
    [{ highwatermark: 5 }, { code: 'ERR_INVALID_ARG_VALUE', message: /unknown/ }],
    [{ each: true }, { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.each' is unknown/ }],
    [null, { code: 'ERR_INVALID_ARG_TYPE' }]
  ])
  for (const [options, expected] of common) {
    assert.throws(() => pool.stream(identity(), options), expected)
    assert.throws(() => pool.collect(identity(), options), expected)
    assert.throws(() => pool.each(identity(), undefined, options), expected)
  }
  const cases = /** @type {[any, any][]} */ ([
    [{ concurrency: 0 }, { code: 'ERR_OUT_OF_RANGE', message: /options\.concurrency/ }],
    [{ concurrency: '2' }, { code: 'ERR_INVALID_ARG_TYPE', message: /options\.concurrency/ }],
    [{ objectMode: 1 }, { code: 'ERR_INVALID_ARG_TYPE', message: /options\.objectMode/ }],
    [
      { onResult() {} },
      {
        code: 'ERR_INVALID_ARG_VALUE',
        message:
          "The property 'options.onResult' is unknown. " +
          "The options are 'highWaterMark', 'signal', 'priority', 'concurrency', 'objectMode'"
      }
    ]
  ])
  for (const [options, expected] of cases) assert.throws(() => pool.each(identity(), undefined, options), expected)
  for (const onResult of /** @type {any[]} */ ([5, null, 'text', { concurrency: 2 }])) {
    const message = /^The "onResult" argument must be of type function, or undefined to drop the results\. Received /
    assert.throws(() => pool.each(identity(), onResult), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message })
  }
  for (const name of ['objectMode', 'onResult', 'concurrency']) {
    const unused = /** @type {any} */ ({ [name]: 2 })
    const message = `The property 'options.${name}' is unknown. The options are 'highWaterMark', 'signal', 'priority'`
    for (const verb of /** @type {const} */ (['stream', 'collect'])) {
      assert.throws(() => pool[verb](identity(), unused), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
    }
  }
  for (const verb of /** @type {const} */ (['stream', 'collect', 'each'])) {
    const factory = /** @type {any} */ (gzip)
    assert.throws(() => pool[verb](factory), { code: 'ERR_INVALID_ARG_TYPE', message: /call it/ }, verb)
  }
})

test('collect refuses a transform that cannot stream', () => {
  const transform = /** @type {any} */ (transforms.json.minify())
  assert.throws(() => pool.collect(transform), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: "The transform 'json.minify' needs its whole input and cannot stream: pool.each makes each chunk an input"
  })
})

test('each runs without onResult, and drops the results', async () => {
  for (const sink of [pool.each(gzip()), pool.each(gzip(), undefined, { concurrency: 1 })]) {
    await pipeline(Readable.from(['a', 'b', 'c']), sink)
    assert.equal(await sink.result, 3)
  }
})

test('stats of a stream of bytes count its chunks, but not its flushes', async () => {
  const stream = pool.stream(identity(), { highWaterMark: 10 })
  assert.deepEqual(stream.stats(), { written: 0, completed: 0, inFlight: 0, inFlightBytes: 0, stalls: 0 })
  const writes = ['first', 'second'].map(text => new Promise(resolve => stream.write(text, resolve)))
  stream.flush()
  const { written, completed, inFlight, inFlightBytes } = stream.stats()
  assert.equal(inFlight, written - completed)
  assert.ok(inFlightBytes <= 11)
  await Promise.all(writes)
  stream.end()
  await stream.toArray()
  const { stalls, ...rest } = stream.stats()
  assert.deepEqual(rest, { written: 2, completed: 2, inFlight: 0, inFlightBytes: 0 })
  assert.ok(stalls <= 1)
  const destroyed = pool.stream(identity())
  destroyed.write('text')
  destroyed.destroy()
  assert.deepEqual(destroyed.stats(), { written: 1, completed: 0, inFlight: 0, inFlightBytes: 0, stalls: 0 })
})

test('hashes and compresses uploads over HTTP', async () => {
  const server = createServer(async (incoming, response) => {
    const hash = pool.collect(digest('sha256', { encoding: 'hex' }))
    incoming.on('data', () => {})
    response.setHeader('content-encoding', 'gzip')
    await Promise.all([pipeline(incoming, hash)])
    await pipeline(Readable.from([await hash.result]), pool.stream(gzip()), response)
  })
  server.listen(0)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const body = Buffer.alloc(5_000_000, 'upload')
  const responses = Array.from({ length: 8 }, async () => {
    const upload = request({ port, method: 'POST' })
    pipeline(Readable.from([body.subarray(0, 1), body.subarray(1)]), upload)
    const [answer] = await once(upload, 'response')
    return String(gunzipSync(Buffer.concat(await answer.toArray())))
  })
  const expected = createHash('sha256').update(body).digest('hex')
  for (const answer of await Promise.all(responses)) assert.equal(answer, expected)
  server.close()
  server.closeAllConnections()
})

test('waiting for concurrency counts as a stall, and a destroyed sink has nothing in flight', async () => {
  const gate = deferred()
  const sink = pool.each(identity(), () => gate.promise, { objectMode: true, concurrency: 2 })
  sink.on('error', () => {})
  for (let i = 0; i < 5; i++) sink.write('object')
  while (sink.stats().stalls === 0) await turn()
  assert.equal(sink.stats().inFlight, 2)
  sink.destroy(new Error('enough'))
  const { inFlight, inFlightBytes } = sink.stats()
  assert.deepEqual([inFlight, inFlightBytes], [0, 0])
  gate.resolve(undefined)
})

test('flush accepts the arguments of zlib, and does nothing after the end', async () => {
  const stream = pool.stream(gzip())
  stream.resume()
  /** @type {any} */ stream.write('text')
  await new Promise(resolve => /** @type {any} */ (stream).flush(2, resolve))
  stream.end()
  const during = new Promise(resolve => stream.flush(resolve))
  await once(stream, 'close')
  assert.equal(await during, undefined)
  assert.equal(await new Promise(resolve => stream.flush(resolve)), undefined)
})

test('close waits for ended streams', async () => {
  const own = new Pool({ threads: 1 })
  const sink = own.collect(digest('md5', { encoding: 'hex' }))
  sink.end('a')
  await own.close()
  assert.equal(await sink.result, '0cc175b9c0f1b6a831c399e269772661')
})

test('close destroys streams that wait for their writer', async () => {
  for (const force of [false, true]) {
    const own = new Pool({ threads: 1 })
    const sink = own.collect(digest('md5'))
    const closed = once(sink, 'close').catch(() => {})
    sink.on('error', () => {})
    sink.write('a')
    while (sink.stats().completed === 0) await turn()
    await own.close({ force })
    await assert.rejects(sink.result, { code: 'ERR_OFFLOOP_CLOSED' })
    await closed
  }
})

test('rejects a chunk that is transferred while it is buffered', async () => {
  const chunk = new Uint8Array(5e6)
  const sink = pool.collect(identity(), { highWaterMark: 1000 })
  sink.on('error', () => {})
  sink.end(chunk)
  structuredClone(chunk, { transfer: [chunk.buffer] })
  await assert.rejects(sink.result, { name: 'TypeError', message: /^The "chunk" argument must not be detached/ })
})

test('any value thrown by onResult destroys the sink', async () => {
  for (const thrown of [undefined, null, 0]) {
    const sink = pool.each(identity(), () => Promise.reject(thrown))
    sink.on('error', () => {})
    sink.write('a')
    await assert.rejects(sink.result, { message: `The sink was ended by ${thrown}` })
  }
})

test('write callbacks run in the async context of the caller of a sink', async () => {
  const storage = new AsyncLocalStorage()
  const sink = storage.run('open', () => pool.collect(gzip()))
  const stores = await Promise.all(
    ['one', 'two'].map(name =>
      storage.run(name, () => new Promise(resolve => sink.write('text', () => resolve(storage.getStore()))))
    )
  )
  assert.deepEqual(stores, ['open', 'open'])
  sink.end()
})

test('transforms of values require objectMode', async () => {
  for (const transform of /** @type {any[]} */ ([transforms.numeric.sort(), transforms.json.stringify()])) {
    assert.throws(() => pool.each(transform), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /objectMode/
    })
  }
  /** @type {unknown[]} */
  const results = []
  const sink = pool.each(transforms.numeric.sort(), it => void results.push(it), { objectMode: true })
  sink.end(new Float64Array([3, 1, 2]))
  await sink.result
  assert.deepEqual(results, [new Float64Array([1, 2, 3])])
})

test('only pools can construct sinks', () => {
  const illegal = { code: 'ERR_ILLEGAL_CONSTRUCTOR', message: /sinks are made by pool\.collect and pool\.each/ }
  assert.throws(() => Reflect.construct(Sink, []), illegal)
  assert.throws(() => Reflect.construct(Sink, [pool, transforms.gzip(), {}]), illegal)
})
