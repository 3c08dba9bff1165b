'use strict'

// The contract of Node's Writable and Duplex.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { Duplex, PassThrough, Readable, Writable, addAbortSignal, finished, pipeline } = require('node:stream')
const promises = require('node:stream/promises')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { gunzipSync, gzipSync } = require('node:zlib')
const { Pool, Sink, pool, transforms } = require('../..')

const { digest, gunzip, gzip, identity } = transforms
/** Not in the types of every Node.js version. */
const { compose } = /** @type {any} */ (require('node:stream'))

/** Factories of the tested streams. @type {Record<string, (options?: any, own?: Pool) => Writable>} */
const KINDS = {
  collect: (options, own = pool) => own.collect(identity(), options),
  each: (options, own = pool) => own.each(identity(), undefined, options),
  stream: (options, own = pool) => own.stream(identity(), options).resume()
}

/** Resolves to the error of the stream when it has closed. @param {Writable} stream */
function closing(stream) {
  return new Promise(resolve => {
    /** @type {unknown} */
    let failure
    stream.on('error', error => {
      failure = error
    })
    stream.once('close', () => resolve(failure))
  })
}

for (const [kind, open] of Object.entries(KINDS)) {
  test(`a stream of ${kind} emits finish, then close`, async () => {
    const stream = open()
    assert.ok(stream instanceof Writable)
    /** @type {string[]} */
    const events = []
    for (const name of ['prefinish', 'finish', 'close']) stream.on(name, () => events.push(name))
    assert.equal(stream.write('a'), true)
    stream.end('b', () => events.push('ended'))
    assert.equal(stream.writableEnded, true)
    await once(stream, 'close')
    assert.deepEqual(events.toSorted(), ['close', 'ended', 'finish', 'prefinish'])
    assert.deepEqual([events[0], events[3]], ['prefinish', 'close'])
    assert.ok(stream.writableFinished && stream.destroyed && stream.errored === null)
  })

  test(`a stream of ${kind} calls back asynchronously and in order`, async () => {
    const stream = open()
    /** @type {number[]} */
    const order = []
    for (let index = 0; index < 50; index++) stream.write(Buffer.alloc(index * 100), () => order.push(index))
    assert.deepEqual(order, [])
    stream.end()
    await promises.finished(stream)
    assert.deepEqual(order, [...order.keys()])
    assert.equal(order.length, 50)
  })

  test(`a stream of ${kind} applies backpressure and emits drain`, async () => {
    const stream = open({ highWaterMark: 1000 })
    assert.equal(stream.writableHighWaterMark, 1000)
    let drains = 0
    for (let round = 0; round < 20; round++) {
      while (stream.write(Buffer.alloc(300)));
      assert.equal(stream.writableNeedDrain, true)
      await once(stream, 'drain')
      assert.equal(stream.writableLength, 0)
      drains++
    }
    stream.end()
    await promises.finished(stream)
    assert.equal(drains, 20)
  })

  test(`a stream of ${kind} accepts a highWaterMark of 0`, async () => {
    const stream = open({ highWaterMark: 0 })
    assert.equal(stream.write('a'), false)
    await once(stream, 'drain')
    stream.end()
    await promises.finished(stream)
  })

  test(`a stream of ${kind} rejects invalid chunks like Node`, async () => {
    for (const chunk of [5, true, {}, []]) {
      const stream = open()
      assert.throws(() => stream.write(chunk), { code: 'ERR_INVALID_ARG_TYPE' })
      stream.destroy()
    }
    const stream = open()
    assert.throws(() => stream.write(null), { code: 'ERR_STREAM_NULL_VALUES' })
    assert.throws(() => stream.write('a', /** @type {any} */ ('no encoding')), { code: 'ERR_UNKNOWN_ENCODING' })
    stream.destroy()
  })

  test(`a stream of ${kind} rejects a write after the end`, async () => {
    const stream = open()
    const closed = closing(stream)
    stream.end('a')
    const failure = new Promise(resolve => stream.write('b', resolve))
    assert.equal((await closed).code, 'ERR_STREAM_WRITE_AFTER_END')
    assert.equal(/** @type {any} */ (await failure).code, 'ERR_STREAM_WRITE_AFTER_END')
  })

  test(`a stream of ${kind} is destroyed once, with the first error`, async () => {
    const stream = open()
    const closed = closing(stream)
    let closes = 0
    stream.on('close', () => closes++)
    const reason = new Error('enough')
    assert.equal(stream.destroy(reason), stream)
    stream.destroy(new Error('more'))
    stream.destroy()
    assert.equal(await closed, reason)
    assert.equal(stream.errored, reason)
    await turn()
    assert.equal(closes, 1)
  })

  test(`a stream of ${kind} calls every write callback when it is destroyed`, async () => {
    const stream = open({ highWaterMark: 10 })
    const closed = closing(stream)
    /** @type {unknown[]} */
    const results = []
    for (let index = 0; index < 20; index++) stream.write(Buffer.alloc(100), error => results.push(error))
    stream.destroy(new Error('enough'))
    stream.write('after', error => results.push(error))
    await closed
    await turn()
    assert.equal(results.length, 21)
    assert.ok(results.filter(error => error instanceof Error).length >= 19)
  })

  test(`a stream of ${kind} that is destroyed before its end does not emit finish`, async () => {
    const stream = open()
    stream.on('finish', () => assert.fail('the stream was destroyed'))
    stream.write(Buffer.alloc(100_000))
    stream.end()
    stream.destroy()
    await closing(stream)
    if (stream instanceof Sink) await assert.rejects(stream.result, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    else await assert.rejects(promises.finished(stream), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })

  test(`a stream of ${kind} is destroyed by its signal`, async () => {
    const controller = new AbortController()
    const stream = open({ signal: controller.signal })
    const closed = closing(stream)
    stream.write('a')
    controller.abort(new Error('left'))
    const error = await closed
    assert.deepEqual([error.name, error.code, error.cause.message], ['AbortError', 'ABORT_ERR', 'left'])
    const aborted = open({ signal: AbortSignal.abort() })
    assert.equal((await closing(aborted)).code, 'ABORT_ERR')
    const added = addAbortSignal(AbortSignal.abort(), open())
    assert.equal((await closing(added)).code, 'ABORT_ERR')
  })

  test(`a stream of ${kind} supports cork and uncork`, async () => {
    const stream = open()
    stream.cork()
    for (const text of ['a', 'b', 'c']) stream.write(text)
    assert.equal(stream.writableCorked, 1)
    assert.equal(stream.writableLength, 3)
    stream.uncork()
    stream.end()
    await promises.finished(stream)
  })

  test(`a stream of ${kind} accepts strings in any encoding`, async () => {
    const stream = open()
    stream.setDefaultEncoding('hex')
    stream.write('616263')
    stream.write('ZGVm', 'base64')
    stream.end('ghi', 'latin1')
    await promises.finished(stream)
    if (stream instanceof Sink && kind === 'collect') assert.equal(String(await stream.result), 'abcdefghi')
  })

  test(`a stream of ${kind} fails when its pool is closed by force`, async () => {
    const own = new Pool({ threads: 1 })
    const stream = open({}, own)
    const closed = closing(stream)
    stream.write(Buffer.alloc(1000))
    await own.close({ force: true })
    stream.write('more')
    assert.equal((await closed).code, 'ERR_OFFLOOP_CLOSED')
    assert.throws(() => open({}, own), { code: 'ERR_OFFLOOP_CLOSED' })
  })

  test(`a stream of ${kind} works with pipeline and finished`, async () => {
    const chunks = Array.from({ length: 30 }, (_, index) => Buffer.alloc(10_000, index))
    await new Promise((resolve, reject) =>
      pipeline(Readable.from(chunks), open(), error => (error ? reject(error) : resolve(undefined)))
    )
    const failing = new Readable({
      read() {
        this.destroy(new Error('no more'))
      }
    })
    const stream = open()
    const failure = new Promise(resolve => finished(stream, resolve))
    await assert.rejects(promises.pipeline(failing, stream), { message: 'no more' })
    assert.equal(/** @type {any} */ (await failure).message, 'no more')
    assert.ok(stream.destroyed)
  })
}

test('an unread duplex applies backpressure to its writer', async () => {
  const stream = pool.stream(identity(), { highWaterMark: 10_000 })
  let written = 0
  while (written < 1e9) {
    written += 1000
    if (!stream.write(Buffer.alloc(1000)) && !(await Promise.race([once(stream, 'drain'), becomesIdle(stream)]))) break
  }
  // Without a reader the stream buffers a bounded amount and then stops.
  assert.ok(written <= 60_000, `${written}`)
  let read = 0
  stream.end()
  for await (const bytes of stream) read += bytes.length
  assert.equal(read, written)
})

/** Resolves to undefined when the pool and the stream have been idle for 50 iterations. @param {Duplex} stream */
async function becomesIdle(stream) {
  for (let idle = 0; idle < 50; idle++) {
    const before = stream.readableLength
    await turn()
    if (stream.readableLength !== before || pool.stats().running > 0) idle = 0
  }
}

test('a duplex ends its readable side after its data, and may be half-open', async () => {
  const stream = pool.stream(gzip())
  stream.end('text')
  /** @type {Buffer[]} */
  const chunks = []
  for await (const bytes of stream) chunks.push(bytes)
  assert.equal(String(gunzipSync(Buffer.concat(chunks))), 'text')
  assert.ok(stream.readableEnded && stream.writableFinished && stream.destroyed)
  assert.equal(stream.allowHalfOpen, true)
})

test('breaking out of a loop over a duplex destroys it', async () => {
  const stream = pool.stream(identity())
  stream.write('a')
  for await (const bytes of stream) {
    assert.equal(String(bytes), 'a')
    break
  }
  assert.ok(stream.destroyed)
})

test('pipe and unpipe', async () => {
  const source = new PassThrough()
  const stream = pool.stream(identity())
  const target = new PassThrough()
  source.pipe(stream).pipe(target)
  source.write('a')
  await once(target, 'readable')
  stream.unpipe(target)
  source.end('b')
  await promises.finished(stream, { readable: false })
  stream.pipe(target)
  await promises.finished(stream)
  assert.equal(String(Buffer.concat(await target.toArray())), 'ab')
})

test('streams can be composed', async () => {
  const both = compose(pool.stream(gzip()), pool.stream(gunzip()))
  both.end('round trip')
  assert.equal(String(Buffer.concat(await both.toArray())), 'round trip')
  const upper = Readable.from(['a', 'b']).pipe(pool.stream(identity()))
  assert.equal(String(Buffer.concat(await upper.toArray())), 'ab')
})

test('web streams', async () => {
  const { readable, writable } = Duplex.toWeb(pool.stream(gzip()))
  const packed = new Response('a body').body?.pipeThrough({ readable, writable: /** @type {any} */ (writable) })
  const bytes = Buffer.from(await new Response(/** @type {any} */ (packed)).arrayBuffer())
  assert.equal(String(gunzipSync(bytes)), 'a body')
  const plain = new Blob([bytes]).stream().pipeThrough(/** @type {any} */ (new DecompressionStream('gzip')))
  assert.equal(await new Response(plain).text(), 'a body')
  const sink = pool.collect(digest('sha256', { encoding: 'hex' }))
  await new Response('abc').body?.pipeTo(/** @type {any} */ (Writable.toWeb(sink)))
  assert.equal(await sink.result, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const failing = Duplex.toWeb(pool.stream(gunzip()))
  const body = new Response('no gzip').body?.pipeThrough(/** @type {any} */ (failing))
  await assert.rejects(new Response(/** @type {any} */ (body)).text())
})

test('flushed data can be read before the end', async () => {
  for (const [name, undo] of Object.entries({
    gzip: 'gunzip',
    deflate: 'inflate',
    brotliCompress: 'brotliDecompress',
    zstdCompress: 'zstdDecompress',
    lz4Compress: 'lz4Decompress'
  })) {
    const factories = /** @type {any} */ (transforms)
    const packing = pool.stream(factories[name]())
    const unpacking = packing.pipe(pool.stream(factories[undo]()))
    for (const event of ['one', 'two', 'three']) {
      packing.write(event)
      const flushed = new Promise(resolve => packing.flush(resolve))
      const [bytes] = await once(unpacking, 'data')
      assert.equal(String(bytes), event, name)
      assert.equal((await flushed) ?? undefined, undefined)
    }
    packing.flush()
    packing.end()
    await promises.finished(unpacking)
  }
  const ended = pool.stream(gzip()).resume()
  ended.end('text')
  assert.equal((await new Promise(resolve => ended.flush(resolve))) ?? undefined, undefined)
  assert.ok(ended.writableFinished)
  const destroyed = pool.stream(gzip())
  destroyed.destroy()
  const error = await new Promise(resolve => destroyed.flush(resolve))
  assert.equal(/** @type {any} */ (error).code, 'ERR_STREAM_DESTROYED')
})

test('flush keeps the compression window', async () => {
  const stream = pool.stream(gzip())
  const lengths = []
  for (let number = 0; number < 3; number++) {
    stream.write(`data: {"number":${number},"text":"an event that is much like the previous ones"}\n\n`)
    stream.flush()
    lengths.push((await once(stream, 'data'))[0].length)
  }
  stream.end().resume()
  await promises.finished(stream)
  assert.ok(lengths[2] * 2 < lengths[0], `${lengths}`)
})

test('corrupt data destroys a stream with the error of its transform', async () => {
  const stream = pool.stream(gunzip())
  const closed = closing(stream)
  const packed = gzipSync('x'.repeat(100_000))
  packed[packed.length >> 1] ^= 255
  stream.write(packed)
  stream.end()
  stream.resume()
  const error = await closed
  assert.deepEqual([error.code, error.transform], ['ERR_OFFLOOP_INVALID_DATA', 'gunzip'])
  assert.match(error.stack, /contract\.test\.js/)
})

test('maxOutput stops a decompression bomb', async () => {
  const stream = pool.stream(gunzip({ maxOutput: 1 << 20 }))
  const closed = closing(stream)
  stream.end(gzipSync(Buffer.alloc(50 << 20)))
  stream.resume()
  assert.equal((await closed).code, 'ERR_OFFLOOP_OUTPUT_LIMIT')
})
