'use strict'

// What Node says of any Writable and Duplex holds for these.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { Duplex, PassThrough, Readable, Writable, addAbortSignal, finished, pipeline } = require('node:stream')
const promises = require('node:stream/promises')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { gunzipSync, gzipSync } = require('node:zlib')
const { Pool, Sink, pool, transforms } = require('../..')

const { digest, gunzip, gzip, identity } = transforms
/** Not in the types of every Node. */
const { compose } = /** @type {any} */ (require('node:stream'))

/** What makes a stream to be tested, by name. @type {Record<string, (options?: any) => Writable>} */
const KINDS = {
  'a folding sink': options => pool.sink(identity(), options),
  'a sink of each chunk': options => pool.sink(identity(), { each: true, ...options }),
  'a duplex': options => pool.stream(identity(), options).resume()
}

/** Resolves when the stream has closed, to the error it emitted. @param {Writable} stream @returns {Promise<any>} */
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
  test(`${kind} is a Writable that finishes, then closes`, async () => {
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

  test(`${kind} calls back in order, later than write returns`, async () => {
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

  test(`${kind} says when it has enough, and when to go on`, async () => {
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

  test(`${kind} takes a highWaterMark of 0`, async () => {
    const stream = open({ highWaterMark: 0 })
    assert.equal(stream.write('a'), false)
    await once(stream, 'drain')
    stream.end()
    await promises.finished(stream)
  })

  test(`${kind} refuses chunks that are none, as Node does`, async () => {
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

  test(`${kind} fails a write after the end`, async () => {
    const stream = open()
    const closed = closing(stream)
    stream.end('a')
    const told = new Promise(resolve => stream.write('b', resolve))
    assert.equal((await closed).code, 'ERR_STREAM_WRITE_AFTER_END')
    assert.equal(/** @type {any} */ (await told).code, 'ERR_STREAM_WRITE_AFTER_END')
  })

  test(`${kind} is destroyed once, and says why`, async () => {
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

  test(`${kind} gives every write its callback when it is destroyed`, async () => {
    const stream = open({ highWaterMark: 10 })
    const closed = closing(stream)
    /** @type {unknown[]} */
    const told = []
    for (let index = 0; index < 20; index++) stream.write(Buffer.alloc(100), error => told.push(error))
    stream.destroy(new Error('enough'))
    stream.write('after', error => told.push(error))
    await closed
    await turn()
    assert.equal(told.length, 21)
    assert.ok(told.filter(error => error instanceof Error).length >= 19)
  })

  test(`${kind} that is destroyed in the middle does not finish`, async () => {
    const stream = open()
    stream.on('finish', () => assert.fail('it was destroyed'))
    stream.write(Buffer.alloc(100_000))
    stream.end()
    stream.destroy()
    await closing(stream)
    if (stream instanceof Sink) await assert.rejects(stream.result, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    else await assert.rejects(promises.finished(stream), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })

  test(`${kind} is ended by a signal`, async () => {
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

  test(`${kind} writes what was corked together`, async () => {
    const stream = open()
    stream.cork()
    for (const text of ['a', 'b', 'c']) stream.write(text)
    assert.equal(stream.writableCorked, 1)
    assert.equal(stream.writableLength, 3)
    stream.uncork()
    stream.end()
    await promises.finished(stream)
  })

  test(`${kind} takes strings in any encoding`, async () => {
    const stream = open()
    stream.setDefaultEncoding('hex')
    stream.write('616263')
    stream.write('ZGVm', 'base64')
    stream.end('ghi', 'latin1')
    await promises.finished(stream)
    if (stream instanceof Sink && kind === 'a folding sink') assert.equal(String(await stream.result), 'abcdefghi')
  })

  test(`${kind} that a pool has closed by force fails`, async () => {
    const own = new Pool({ threads: 1 })
    const stream = kind === 'a duplex' ? own.stream(identity()) : own.sink(identity(), { each: kind.includes('each') })
    const closed = closing(stream)
    stream.write(Buffer.alloc(1000))
    await own.close({ force: true })
    stream.write('more')
    assert.equal((await closed).code, 'ERR_OFFLOOP_CLOSED')
    assert.throws(() => own.sink(identity()), { code: 'ERR_OFFLOOP_CLOSED' })
  })

  test(`${kind} works with pipeline and finished`, async () => {
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
    const told = new Promise(resolve => finished(stream, resolve))
    await assert.rejects(promises.pipeline(failing, stream), { message: 'no more' })
    assert.equal(/** @type {any} */ (await told).message, 'no more')
    assert.ok(stream.destroyed)
  })
}

test('a duplex passes its backpressure on to the writer', async () => {
  const stream = pool.stream(identity(), { highWaterMark: 10_000 })
  let written = 0
  while (written < 1e9) {
    written += 1000
    if (!stream.write(Buffer.alloc(1000)) && !(await Promise.race([once(stream, 'drain'), quiet(stream)]))) break
  }
  // Nobody reads: what it holds is bounded, and nothing goes on.
  assert.ok(written <= 60_000, `${written}`)
  let read = 0
  stream.end()
  for await (const bytes of stream) read += bytes.length
  assert.equal(read, written)
})

/** Resolves to undefined when nothing is under way in the pool and nothing has come for a while. @param {Duplex} stream */
async function quiet(stream) {
  for (let still = 0; still < 50; still++) {
    const before = stream.readableLength
    await turn()
    if (stream.readableLength !== before || pool.stats().running > 0) still = 0
  }
}

test('a duplex ends its readable side after the rest, and may be half open', async () => {
  const stream = pool.stream(gzip())
  stream.end('text')
  /** @type {Buffer[]} */
  const came = []
  for await (const bytes of stream) came.push(bytes)
  assert.equal(String(gunzipSync(Buffer.concat(came))), 'text')
  assert.ok(stream.readableEnded && stream.writableFinished && stream.destroyed)
  assert.equal(stream.allowHalfOpen, true)
})

test('leaving a loop over a duplex destroys it', async () => {
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

test('several of them compose', async () => {
  const both = compose(pool.stream(gzip()), pool.stream(gunzip()))
  both.end('there and back')
  assert.equal(String(Buffer.concat(await both.toArray())), 'there and back')
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
  const sink = pool.sink(digest('sha256', { encoding: 'hex' }))
  await new Response('abc').body?.pipeTo(/** @type {any} */ (Writable.toWeb(sink)))
  assert.equal(await sink.result, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const failing = Duplex.toWeb(pool.stream(gunzip()))
  const body = new Response('no gzip').body?.pipeThrough(/** @type {any} */ (failing))
  await assert.rejects(new Response(/** @type {any} */ (body)).text())
})

test('what is flushed can be read before the end', async () => {
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

test('an event that is flushed is compressed with those before it', async () => {
  const stream = pool.stream(gzip())
  const lengths = []
  for (let number = 0; number < 3; number++) {
    stream.write(`data: {"number":${number},"text":"an event that is much like the others before it"}\n\n`)
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

test('a bomb is stopped at maxOutput', async () => {
  const stream = pool.stream(gunzip({ maxOutput: 1 << 20 }))
  const closed = closing(stream)
  stream.end(gzipSync(Buffer.alloc(50 << 20)))
  stream.resume()
  assert.equal((await closed).code, 'ERR_OFFLOOP_OUTPUT_LIMIT')
})
