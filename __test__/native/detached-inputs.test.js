'use strict'

// Detached memory looks empty. Every parameter that accepts bytes must reject it with the same message, instead of storing,
// signing or processing empty bytes.

const assert = require('node:assert/strict')
const { Duplex, Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { Pool, transforms, move } = require('../..')
const { EMPTY, DETACHED, detach, detachedMessage, detachedError } = require('../support/detached.js')
const { transformNames } = require('../support/transform-names.js')

/** @typedef {import('../../index.js').PoolTransform<any, any>} AnyTransform */

const key = Buffer.alloc(32)
/** @type {any[]} */
const numeric = [transforms.numeric.sort(), transforms.numeric.stats(), transforms.numeric.histogram({ bins: 2 })]

/** Arguments of the transforms that require some, or would be slow without. @type {Record<string, unknown[]>} */
const ARGUMENTS = {
  digest: ['sha256'],
  hmac: ['sha256', 'key'],
  seal: ['aes-256-gcm', key],
  open: ['aes-256-gcm', key],
  hashPassword: [{ memoryKiB: 8, iterations: 1 }],
  pbkdf2: ['sha256', key, 1, 32],
  'csv.aggregate': [{ measures: { rows: ['count'] } }],
  'text.matches': ['a'],
  'text.replace': ['a', 'b'],
  'json.select': ['$'],
  'json.validate': [true],
  'json.validateEach': [true],
  chain: [transforms.gzip(), transforms.gunzip()]
}

/** One of each transform, by name, except those of numbers and of user code. @type {Record<string, any>} */
const EXAMPLES = { 'chain from a value': transforms.chain(transforms.json.stringify(), transforms.gzip()) }
for (const name of transformNames) {
  if (/^(worker|workerScript|numeric\..*)$/.test(name)) continue
  const factory = name.split('.').reduce((value, key) => value[key], /** @type {any} */ (transforms))
  EXAMPLES[name] = factory(...(ARGUMENTS[name] ?? []))
}

/** Each verb, run with one input. @type {Record<string, (pool: Pool, transform: any, input: any) => Promise<any>>} */
const VERBS = {
  run: (pool, transform, input) => pool.run(transform, input),
  'run, moved': (pool, transform, input) => pool.run(transform, move(input)),
  'run, moved by list': (pool, transform, input) => pool.run(transform, move(input, [])),
  map: (pool, transform, input) => pool.map(transform, [input]),
  'map, moved': (pool, transform, input) => pool.map(transform, [move(input)]),
  'map, settled': async (pool, transform, input) => {
    const [result] = await pool.map(transform, [input], { settle: true })
    if (result.status === 'rejected') throw result.reason
  },
  'map of an async iterable': (pool, transform, input) => pool.map(transform, later(input)),
  iterate: (pool, transform, input) => pool.iterate(transform, [input]).next(),
  'iterate, async': (pool, transform, input) => pool.iterate(transform, later(input)).next(),
  'each, of objects': (pool, transform, input) => {
    const sink = pool.each(transform, undefined, { objectMode: true })
    sink.on('error', () => {})
    sink.end(input)
    return sink.result
  }
}

/** @param {any} input */
async function* later(input) {
  await null
  yield input
}

/** @param {string} verb */
function nameIn(verb) {
  if (verb.startsWith('each')) return 'The "chunk" argument'
  return /^(map|iterate)/.test(verb) ? 'inputs[0]' : 'The "input" argument'
}

/** Asserts that rejected inputs occupy no resources. @param {Pool} pool */
async function assertIdle(pool) {
  const { running, queued, queuedBytes } = pool.stats()
  assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
  await pool.close()
}

for (const [verb, call] of Object.entries(VERBS)) {
  test(`${verb}: every transform rejects detached memory`, async () => {
    const pool = new Pool({ threads: 1 })
    for (const [name, transform] of Object.entries(EXAMPLES)) {
      for (const [received, make] of Object.entries(DETACHED)) {
        await assert.rejects(
          call(pool, transform, make()),
          detachedError(nameIn(verb), received),
          `${name} of ${received}`
        )
      }
    }
    for (const transform of numeric) {
      for (const [received, make] of Object.entries(DETACHED)) {
        if (/DataView|ArrayBuffer|Clamped|Float16/.test(received)) continue
        await assert.rejects(
          call(pool, transform, make()),
          detachedError(nameIn(verb), received),
          `${transform.name} of ${received}`
        )
      }
    }
    await assertIdle(pool)
  })
}

test('the type error for detached memory names it as detached', async () => {
  const pool = new Pool({ threads: 1 })
  const error = { code: 'ERR_INVALID_ARG_TYPE', message: /an instance of Float64Array.* Received a detached DataView$/ }
  await assert.rejects(pool.run(numeric[0], DETACHED['a detached DataView']()), error)
  await assertIdle(pool)
})

test('accepts empty bytes that are not detached', async () => {
  const pool = new Pool({ threads: 1 })
  for (const make of EMPTY) {
    assert.equal((await pool.run(EXAMPLES.identity, make())).length, 0)
    assert.equal((await pool.run(EXAMPLES.identity, move(make()))).length, 0)
    assert.deepEqual(await pool.map(EXAMPLES.digest, [make()]), [await pool.run(EXAMPLES.digest, '')])
    assert.deepEqual(
      await pool.run(transforms.hmac('sha1', make()), 'x'),
      await pool.run(transforms.hmac('sha1', ''), 'x')
    )
  }
  const lengthTracking = new Uint8Array(new /** @type {any} */ (SharedArrayBuffer)(0, { maxByteLength: 8 }))
  assert.equal((await pool.run(EXAMPLES.identity, lengthTracking)).length, 0)
  await assertIdle(pool)
})

test('releases the reservation of a rejected input', async () => {
  const { userFunction } = require('../support/worker.js')
  for (const transform of [EXAMPLES.identity, userFunction(), EXAMPLES['json.stringify'], numeric[0]]) {
    const pool = new Pool({ threads: 1, maxQueue: 0 })
    for (let round = 0; round < 3; round++) {
      const detached = DETACHED['a detached Uint8Array']()
      await assert.rejects(pool.run(transform, detached, { wait: true }), /must not be detached/)
    }
    await assertIdle(pool)
  }
})

test('rejects detached memory as an iterable of inputs', async () => {
  const pool = new Pool({ threads: 1 })
  for (const received of ['a detached Float64Array', 'an out-of-bounds Float64Array']) {
    const inputs = DETACHED[received]()
    await assert.rejects(pool.map(EXAMPLES.digest, inputs), detachedError('The "inputs" argument', received))
    assert.throws(() => pool.iterate(EXAMPLES.digest, inputs), detachedError('The "inputs" argument', received))
  }
  await assertIdle(pool)
})

test('reports an input that is detached while it is copied or queued', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 0 })
  const large = new Uint8Array(20 << 20)
  const copied = pool.run(EXAMPLES.identity, large)
  const waiting = new Uint8Array(100 << 10)
  const mapped = pool.map(EXAMPLES.identity, [waiting])
  detach(large)
  detach(waiting)
  await assert.rejects(copied, detachedError('The "input" argument', 'a detached Uint8Array'))
  await assert.rejects(mapped, { ...detachedError('The "input" argument', 'a detached Uint8Array'), index: 0 })
  await assertIdle(pool)
})

/** Calls that write one chunk to a stream. @type {Record<string, (stream: any, chunk: any) => unknown>} */
const WRITES = {
  write: (stream, chunk) => stream.write(chunk),
  'write, with a callback': (stream, chunk) => stream.write(chunk, () => {}),
  end: (stream, chunk) => stream.end(chunk),
  'end, after a write': (stream, chunk) => {
    stream.write(Buffer.from('before'))
    stream.end(chunk)
  },
  pipe: (stream, chunk) => Readable.from([chunk]).pipe(stream)
}

/** @type {Record<string, (pool: Pool, transform: any) => any>} */
const STREAMS = {
  stream: (pool, transform) => pool.stream(transform),
  collect: (pool, transform) => pool.collect(transform),
  'each, of objects': (pool, transform) => pool.each(transform, undefined, { objectMode: true }),
  each: (pool, transform) => pool.each(transform)
}

for (const [kind, open] of Object.entries(STREAMS)) {
  test(`${kind}: a detached chunk destroys the stream with the error`, async () => {
    const pool = new Pool({ threads: 1 })
    const streaming = Object.values(EXAMPLES).filter(it => it.streaming)
    assert.ok(streaming.length > 10)
    for (const transform of streaming) {
      for (const [writeName, write] of Object.entries(WRITES)) {
        for (const [received, make] of Object.entries(DETACHED)) {
          if (transform !== EXAMPLES.gzip && received !== 'a detached Uint8Array') continue
          const stream = open(pool, transform)
          const failed = new Promise((_, reject) => stream.on('error', reject))
          write(stream, make())
          await assert.rejects(
            failed,
            detachedError('The "chunk" argument', received),
            `${writeName} to ${transform.name}: ${received}`
          )
          assert.ok(stream.destroyed)
          if (stream.result) await assert.rejects(stream.result, detachedError('The "chunk" argument', received))
        }
      }
    }
    await assertIdle(pool)
  })
}

test('chunks before a detached one produce their results', async () => {
  const pool = new Pool({ threads: 1 })
  /** @type {string[]} */
  const results = []
  const onResult = (/** @type {Buffer} */ it) => void results.push(String(it))
  const sink = pool.each(EXAMPLES.identity, onResult, { concurrency: 1 })
  const received = 'a detached Uint8Array'
  const detached = DETACHED[received]()
  const chunks = async function* () {
    yield 'before'
    while (results.length === 0) await new Promise(setImmediate)
    yield detached
  }
  await assert.rejects(
    pipeline(Readable.from(chunks(), { objectMode: true }), sink),
    detachedError('The "chunk" argument', received)
  )
  assert.deepEqual(results, ['before'])
  await assertIdle(pool)
})

test('reports a chunk that is detached while it is buffered', async () => {
  const pool = new Pool({ threads: 1 })
  const chunk = new Uint8Array(5e6)
  const queued = new Uint8Array(10)
  for (const detached of [chunk, queued]) {
    const sink = pool.collect(EXAMPLES.identity, { highWaterMark: 1000 })
    sink.on('error', () => {})
    sink.write(new Uint8Array(detached === queued ? 5e6 : 0))
    sink.end(detached)
    detach(detached)
    const received = detached === queued ? 'a detached Buffer' : /a detached (Uint8Array|Buffer)$/
    await assert.rejects(sink.result, error => {
      assert.match(/** @type {Error} */ (error).message, typeof received === 'string' ? /a detached Buffer$/ : received)
      return true
    })
  }
  // The only thread runs this task after the steps of the streams, which may still run when the streams fail.
  await pool.run(EXAMPLES.identity, '')
  await assertIdle(pool)
})

test('Web streams fail with the same error', async () => {
  const pool = new Pool({ threads: 1 })
  // Since Node.js 24, its adapter reads the length of a DataView or an ArrayBuffer.
  for (const received of ['a detached Uint8Array', 'a detached Buffer', 'an out-of-bounds Uint8Array']) {
    const { writable, readable } = Duplex.toWeb(pool.stream(EXAMPLES.gzip))
    const reading = new Response(/** @type {any} */ (readable)).arrayBuffer()
    const writer = writable.getWriter()
    const closed = writer.closed
    const error = detachedError('The "chunk" argument', received)
    await Promise.all([
      assert.rejects(reading, error),
      assert.rejects(closed, error),
      writer.write(DETACHED[received]()).catch(() => {})
    ])
  }
  await assertIdle(pool)
})

test('json.stringify rejects detached memory inside a value', async () => {
  const pool = new Pool({ threads: 1 })
  class Box {
    constructor(/** @type {any} */ bytes) {
      this.bytes = bytes
    }
  }
  const large = Array.from({ length: 100_000 }, (_, i) => `${i}`)
  for (const [received, make] of Object.entries(DETACHED)) {
    const bytes = make()
    for (const value of [{ bytes }, [0, [bytes]], new Box(bytes), { large, bytes }, { toJSON: () => bytes }]) {
      const error = detachedError('A value inside the "input" argument', received)
      await assert.rejects(pool.run(EXAMPLES['json.stringify'], value), error)
    }
  }
  assert.equal(
    String(await pool.run(EXAMPLES['json.stringify'], { a: Buffer.alloc(0) })),
    '{"a":{"type":"Buffer","data":[]}}'
  )
  await assertIdle(pool)
})

test('the message names the received value', () => {
  assert.equal(
    detachedMessage('It', 'a'),
    'It must not be detached or out of bounds: its memory was transferred, moved or resized away. Received a'
  )
})
