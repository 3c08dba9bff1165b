'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createServer, get, OutgoingMessage } = require('node:http')
const { before, beforeEach, test } = require('node:test')
const { Duplex, PassThrough, Readable, Transform, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')

const original = {
  writable: Writable.prototype.write,
  duplex: Duplex.prototype.write,
  message: OutgoingMessage.prototype.write
}
const probe = require('../../lib/doctor/probe/writes').install()

const CHUNK = Buffer.alloc(64 * 1024)

before(() => assert.deepEqual(probe.collect().blind, {}))
beforeEach(() => probe.begin())

/** @param {string} mark */
function lineOf(mark) {
  const lines = require('node:fs').readFileSync(__filename, 'utf8').split('\n')
  return lines.findIndex(line => line.includes(`// ${mark}`)) + 1
}

/** @param {import('../../lib/doctor/facts').Site} site */
function guilty({ frames }) {
  const frame = frames.find(({ isUser }) => isUser)
  assert.equal(frame?.file, __filename)
  return frame?.line
}

/** A stream that holds its chunks until `release` is called. */
class Slow extends Writable {
  /** @type {(() => void)[]} */
  #waiting = []
  isReleased = false

  /**
   * @param {unknown} _chunk
   * @param {string} _encoding
   * @param {() => void} callback
   */
  _write(_chunk, _encoding, callback) {
    if (this.isReleased) setImmediate(callback)
    else this.#waiting.push(callback)
  }

  release() {
    this.isReleased = true
    for (const callback of this.#waiting.splice(0)) callback()
  }
}

/**
 * @param {Writable | Duplex} stream
 * @param {number} count
 * @param {unknown} [chunk]
 */
function fill(stream, count, chunk = CHUNK) {
  for (let index = 0; index < count; index++) stream.write(chunk) // fills
}

test('wrappers look like the originals, and are one function where the originals are', () => {
  const wrappers = {
    writable: Writable.prototype.write,
    duplex: Duplex.prototype.write,
    message: OutgoingMessage.prototype.write
  }
  for (const name of /** @type {const} */ (['writable', 'duplex', 'message'])) {
    assert.notEqual(wrappers[name], original[name])
    assert.equal(wrappers[name].name, original[name].name)
    assert.equal(wrappers[name].length, original[name].length)
  }
  assert.equal(wrappers.writable === wrappers.duplex, original.writable === original.duplex)
})

test('wrappers fail like the originals', () => {
  for (const [before, after] of [
    [original.writable, Writable.prototype.write],
    [original.message, OutgoingMessage.prototype.write]
  ]) {
    for (const receiver of [undefined, null, {}, 1]) {
      const errors = [before, after].map(write => {
        try {
          return Reflect.apply(write, receiver, ['x'])
        } catch (error) {
          return String(error)
        }
      })
      assert.equal(errors[0], errors[1])
    }
  }
})

test('reports writes that ignore a full stream', () => {
  const stream = new Slow()
  fill(stream, 100)
  const [fact, ...others] = probe.collect().writes
  assert.deepEqual(others, [])
  assert.equal(guilty(fact), lineOf('fills'))
  assert.equal(fact.stream, 'Slow')
  assert.equal(fact.kind, 'stream')
  assert.equal(fact.ignored, 99)
  assert.equal(fact.buffered, 100 * CHUNK.length)
  assert.equal(fact.highWaterMark, stream.writableHighWaterMark)
  assert.equal(fact.streams, 1)
})

test('writers that wait for the drain are not reported', async () => {
  const stream = new Slow()
  stream.isReleased = true
  for (let index = 0; index < 100; index++) {
    if (!stream.write(CHUNK)) await once(stream, 'drain')
  }
  await pipeline(Readable.from(Array.from({ length: 100 }, () => CHUNK)), stream)
  assert.deepEqual(probe.collect().writes, [])
})

test('several writers that wait for one drain are not reported', async () => {
  const stream = new Slow({ highWaterMark: 1 })
  stream.setMaxListeners(0)
  const writers = Array.from({ length: 200 }, async () => {
    if (!stream.write(CHUNK)) await once(stream, 'drain')
  })
  assert.equal(stream.writableLength, 200 * CHUNK.length)
  stream.release()
  await Promise.all(writers)
  assert.deepEqual(probe.collect().writes, [])
})

test('a drain ends the series', async () => {
  const stream = new Slow({ highWaterMark: 1024 })
  stream.isReleased = true
  for (let round = 0; round < 10; round++) {
    fill(stream, 30)
    while (stream.writableNeedDrain) await new Promise(setImmediate)
  }
  assert.deepEqual(probe.collect().writes, [])
})

test('a drain that only a sample sees ends the series', async () => {
  const stream = new Slow({ highWaterMark: 1024 })
  stream.isReleased = true
  fill(stream, 30)
  while (stream.writableNeedDrain) await new Promise(setImmediate)
  probe.sample()
  // The first write fills the stream, the others ignore that.
  fill(stream, 32)
  assert.deepEqual(probe.collect().writes, [])
  fill(stream, 2)
  assert.equal(probe.collect().writes[0].ignored, 33)
})

test('corked streams, few bytes and the standard output are not reported', () => {
  const corked = new Slow()
  corked.cork()
  fill(corked, 100)
  fill(new Slow(), 1000, Buffer.alloc(100))
  const output = new Slow()
  Object.assign(output, { fd: 1 })
  fill(output, 100)
  assert.deepEqual(probe.collect().writes, [])
})

test('a Transform, which is a Duplex, is reported, and so are objects', () => {
  fill(new Transform({ transform() {} }), 100)
  fill(new PassThrough({ objectMode: true }), 5000, {})
  const [bytes, objects] = probe.collect().writes
  assert.equal(bytes.stream, 'Transform')
  assert.equal(bytes.unit, 'bytes')
  assert.equal(objects.unit, 'objects')
  assert.ok(objects.buffered >= 4900 && objects.buffered <= 5000, String(objects.buffered))
})

test('streams of one line are one fact', () => {
  for (let index = 0; index < 20; index++) fill(new Slow(), 60 + index)
  const [fact, ...others] = probe.collect().writes
  assert.deepEqual(others, [])
  assert.equal(fact.streams, 20)
  assert.equal(fact.buffered, 79 * CHUNK.length)
})

test('a response is reported once, without its socket', async () => {
  const server = createServer((_request, response) => {
    for (let index = 0; index < 200; index++) response.write(CHUNK) // responds
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response')
  response.resume()
  await once(response, 'end')
  server.close()
  const [fact, ...others] = probe.collect().writes
  assert.deepEqual(others, [])
  assert.equal(fact.kind, 'response')
  assert.equal(fact.stream, 'ServerResponse')
  assert.equal(guilty(fact), lineOf('responds'))
  assert.ok(fact.buffered > 10e6)
})

test('a response that is piped is not reported', async () => {
  const server = createServer((_request, response) => {
    Readable.from(Array.from({ length: 200 }, () => CHUNK)).pipe(response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response')
  response.resume()
  await once(response, 'end')
  server.close()
  assert.deepEqual(probe.collect().writes, [])
})

test('a getter that throws does not fail the program', () => {
  const stream = new Slow({ highWaterMark: 1 })
  stream.write('x')
  Object.defineProperty(stream, 'fd', {
    get() {
      throw new Error('no descriptor')
    }
  })
  assert.equal(stream.write('x'), false)
})
