'use strict'

// Random schedules: chunks of any size, writers and readers of any speed, aborts, errors and destruction at any moment.
// OFFLOOP_SEED=<seed> replays one; OFFLOOP_SCHEDULES=<count> runs so many.

const assert = require('node:assert/strict')
const { getEventListeners } = require('node:events')
const { Readable } = require('node:stream')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { gunzipSync } = require('node:zlib')
const { Pool, transforms } = require('../..')

const COUNT = Number(process.env.OFFLOOP_SCHEDULES ?? 600)
const FIRST = Number(process.env.OFFLOOP_SEED ?? Date.now() % 1e9)
/** What bytes are cut from. */
const SOURCE = Buffer.alloc(1 << 20, 'what is written must be read, or be told of. ')

/** Numbers from 0 to 1 that a seed decides (mulberry32). @param {number} seed */
function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @param {() => number} next */
function plan(next) {
  const pick = (/** @type {any[]} */ ...of) => of[Math.floor(next() * of.length)]
  const size = () => Math.floor(pick(0, 1, 100, 5000, 70_000, 1 << 20) * next())
  const chunks = Array.from({ length: Math.floor(next() * 12) }, size)
  return {
    kind: pick('fold', 'each', 'gzip', 'gunzip'),
    chunks,
    highWaterMark: pick(0, 1, 1000, 64 << 10, undefined),
    concurrency: pick(1, 2, undefined),
    trouble: pick(
      'none',
      'none',
      'destroy',
      'destroy with an error',
      'abort',
      'a failing reader',
      'bad data',
      'early end'
    ),
    at: Math.floor(next() * 14),
    slow: pick('neither', 'writer', 'reader', 'both'),
    waits: next() < 0.8,
    corks: next() < 0.3
  }
}

/**
 * Runs a schedule, and says what became of it.
 * @param {Pool} pool
 * @param {ReturnType<typeof plan>} schedule
 */
async function run(pool, schedule) {
  const { kind, chunks, trouble, slow, at } = schedule
  const controller = new AbortController()
  const { highWaterMark, concurrency } = schedule
  const options = { highWaterMark, signal: controller.signal, ...(kind === 'each' ? { concurrency } : {}) }
  /** @type {Buffer[]} */
  const came = []
  const out = { closes: 0, errors: 0, callbacks: 0, finished: false }
  const fail = trouble === 'a failing reader'
  const pause = async (/** @type {string} */ who) => {
    if (slow === who || slow === 'both') await turn()
  }
  const onResult = async (/** @type {Buffer} */ bytes, /** @type {number} */ index) => {
    await pause('reader')
    if (fail && index >= at % 5) throw new Error('onResult')
    came.push(bytes)
  }
  const unzips = kind === 'gunzip'
  const stream =
    kind === 'fold'
      ? pool.sink(transforms.identity(), options)
      : kind === 'each'
        ? pool.sink(transforms.identity(), { ...options, each: true, onResult })
        : pool.stream(unzips ? transforms.gunzip() : transforms.gzip(), options)
  stream.on('close', () => out.closes++)
  stream.on('error', () => out.errors++)
  stream.on('finish', () => {
    out.finished = true
  })
  const closed = new Promise(resolve => stream.once('close', resolve))
  const settled =
    'result' in stream
      ? stream.result.then(
          value => ({ value }),
          error => ({ error })
        )
      : undefined
  /** @type {Promise<unknown>} */
  let read = Promise.resolve()
  if (stream instanceof Readable) {
    const duplex = /** @type {Readable} */ (stream)
    read = (async () => {
      try {
        for await (const bytes of duplex) {
          await pause('reader')
          if (fail && came.length >= at % 3) break
          came.push(bytes)
        }
      } catch {}
    })()
  }
  // What is written, whole: for a decompressor what it is to undo.
  const plain = Buffer.concat(chunks.map(size => SOURCE.subarray(0, size)))
  const pieces = unzips
    ? cut(require('node:zlib').gzipSync(plain), chunks.length)
    : chunks.map(size => SOURCE.subarray(0, size))
  if (schedule.corks) stream.cork()
  let written = 0
  for (const [index, piece] of pieces.entries()) {
    if (index === at) strike()
    if (stream.destroyed) break
    const wrote = trouble === 'bad data' && index === at && unzips ? Buffer.from('no gzip data') : Buffer.from(piece)
    stream.write(wrote, () => {
      out.callbacks++
      // A writer may use its memory again.
      wrote.fill(0)
    })
    written++
    if (schedule.corks && index % 3 === 2) stream.uncork()
    await pause('writer')
    if (schedule.waits && !schedule.corks && stream.writableNeedDrain && !stream.destroyed) await drained(stream)
  }
  if (schedule.corks) process.nextTick(() => stream.uncork())
  if (!stream.destroyed && trouble !== 'early end') stream.end()
  if (at >= pieces.length) strike()
  if (trouble === 'early end') stream.destroy()
  await closed
  await read
  // The last callbacks come after the stream has closed.
  await turn()
  const result = await settled
  function strike() {
    if (trouble === 'destroy') stream.destroy()
    else if (trouble === 'destroy with an error') stream.destroy(new Error('struck'))
    else if (trouble === 'abort') controller.abort()
  }
  return { ...out, written, plain, came: Buffer.concat(came), result, signal: controller.signal }
}

/** @param {Buffer} bytes @param {number} count */
function cut(bytes, count) {
  const size = Math.max(1, Math.ceil(bytes.length / Math.max(1, count)))
  const pieces = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

/** @param {import("node:stream").Writable} stream */
function drained(stream) {
  return new Promise(resolve => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve(undefined)
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

test(`${COUNT} random schedules from seed ${FIRST}`, async () => {
  /** @type {unknown[]} */
  const unhandled = []
  const hear = (/** @type {unknown} */ error) => unhandled.push(error)
  process.on('unhandledRejection', hear)
  const pool = new Pool({ threads: 2 })
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const schedule = plan(random(seed))
    const told = `seed ${seed}: ${JSON.stringify(schedule)}`
    const { closes, errors, callbacks, written, plain, came, result, signal, finished } = await run(pool, schedule)
    assert.equal(closes, 1, told)
    assert.ok(errors <= 1, told)
    assert.equal(callbacks, written, told)
    assert.equal(getEventListeners(signal, 'abort').length, 0, told)
    const value = /** @type {any} */ (result)?.value
    if (schedule.trouble === 'none') {
      assert.ok(finished, told)
      assert.equal(errors, 0, told)
      const bytes = schedule.kind === 'gzip' ? gunzipSync(came) : schedule.kind === 'fold' ? value : came
      assert.ok(plain.equals(bytes), told)
      if (schedule.kind === 'each') assert.equal(value, schedule.chunks.length, told)
    } else if (result !== undefined) {
      assert.equal('error' in result, !finished || errors > 0, told)
    }
    if (schedule.kind === 'each') assert.ok(plain.subarray(0, came.length).equals(came), told)
  }
  const { queued, running } = pool.stats()
  assert.deepEqual([queued, running], [0, 0])
  await pool.close()
  await turn()
  process.off('unhandledRejection', hear)
  assert.deepEqual(unhandled, [])
})
