'use strict'

// Random schedules: chunk sizes, speeds of writer and reader, aborts, errors and destruction at any time.
// OFFLOOP_SEED=<seed> replays one; OFFLOOP_SCHEDULES=<count> sets their number.

const assert = require('node:assert/strict')
const { getEventListeners } = require('node:events')
const { Readable } = require('node:stream')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { gunzipSync } = require('node:zlib')
const { Pool, transforms } = require('../..')

const COUNT = Number(process.env.OFFLOOP_SCHEDULES ?? 600)
const FIRST = Number(process.env.OFFLOOP_SEED ?? Date.now() % 1e9)
/** Source of all chunks. */
const SOURCE = Buffer.alloc(1 << 20, 'every written byte is read or reported. ')

/** Returns a generator of numbers in [0, 1) (mulberry32). @param {number} seed */
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
  const pick = (/** @type {any[]} */ ...options) => options[Math.floor(next() * options.length)]
  const size = () => Math.floor(pick(0, 1, 100, 5000, 70_000, 1 << 20) * next())
  const chunks = Array.from({ length: Math.floor(next() * 12) }, size)
  return {
    kind: pick('collect', 'each', 'gzip', 'gunzip'),
    chunks,
    highWaterMark: pick(0, 1, 1000, 64 << 10, undefined),
    concurrency: pick(1, 2, undefined),
    fault: pick(
      'none',
      'none',
      'destroy',
      'destroy with an error',
      'abort',
      'a failing reader',
      'bad data',
      'early end'
    ),
    faultIndex: Math.floor(next() * 14),
    slow: pick('neither', 'writer', 'reader', 'both'),
    waits: next() < 0.8,
    corks: next() < 0.3
  }
}

/**
 * Runs a schedule and returns its outcome.
 * @param {Pool} pool
 * @param {ReturnType<typeof plan>} schedule
 */
async function run(pool, schedule) {
  const { kind, chunks, fault, slow, faultIndex } = schedule
  const controller = new AbortController()
  const { highWaterMark, concurrency } = schedule
  const options = { highWaterMark, signal: controller.signal, ...(kind === 'each' ? { concurrency } : {}) }
  /** @type {Buffer[]} */
  const received = []
  const out = { closes: 0, errors: 0, callbacks: 0, finished: false }
  const fail = fault === 'a failing reader'
  const pause = async (/** @type {string} */ side) => {
    if (slow === side || slow === 'both') await turn()
  }
  const onResult = async (/** @type {Buffer} */ bytes, /** @type {number} */ index) => {
    await pause('reader')
    if (fail && index >= faultIndex % 5) throw new Error('onResult')
    received.push(bytes)
  }
  const decompresses = kind === 'gunzip'
  const stream =
    kind === 'collect'
      ? pool.collect(transforms.identity(), options)
      : kind === 'each'
        ? pool.each(transforms.identity(), onResult, options)
        : pool.stream(decompresses ? transforms.gunzip() : transforms.gzip(), options)
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
          if (fail && received.length >= faultIndex % 3) break
          received.push(bytes)
        }
      } catch {}
    })()
  }
  // The uncompressed data.
  const plain = Buffer.concat(chunks.map(size => SOURCE.subarray(0, size)))
  const pieces = decompresses
    ? split(require('node:zlib').gzipSync(plain), chunks.length)
    : chunks.map(size => SOURCE.subarray(0, size))
  if (schedule.corks) stream.cork()
  let written = 0
  for (const [index, piece] of pieces.entries()) {
    if (index === faultIndex) injectFault()
    if (stream.destroyed) break
    const chunk =
      fault === 'bad data' && index === faultIndex && decompresses ? Buffer.from('no gzip data') : Buffer.from(piece)
    stream.write(chunk, () => {
      out.callbacks++
      // A writer may reuse its memory.
      chunk.fill(0)
    })
    written++
    if (schedule.corks && index % 3 === 2) stream.uncork()
    await pause('writer')
    if (schedule.waits && !schedule.corks && stream.writableNeedDrain && !stream.destroyed) await drained(stream)
  }
  if (schedule.corks) process.nextTick(() => stream.uncork())
  if (!stream.destroyed && fault !== 'early end') stream.end()
  if (faultIndex >= pieces.length) injectFault()
  if (fault === 'early end') stream.destroy()
  await closed
  await read
  // The last callbacks run after the stream has closed.
  await turn()
  const result = await settled
  function injectFault() {
    if (fault === 'destroy') stream.destroy()
    else if (fault === 'destroy with an error') stream.destroy(new Error('injected'))
    else if (fault === 'abort') controller.abort()
  }
  return { ...out, written, plain, received: Buffer.concat(received), result, signal: controller.signal }
}

function split(/** @type {Buffer} */ bytes, /** @type {number} */ count) {
  const size = Math.max(1, Math.ceil(bytes.length / Math.max(1, count)))
  const pieces = []
  for (let start = 0; start < bytes.length; start += size) pieces.push(bytes.subarray(start, start + size))
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
  const listener = (/** @type {unknown} */ error) => unhandled.push(error)
  process.on('unhandledRejection', listener)
  const pool = new Pool({ threads: 2 })
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const schedule = plan(random(seed))
    const label = `seed ${seed}: ${JSON.stringify(schedule)}`
    const { closes, errors, callbacks, written, plain, received, result, signal, finished } = await run(pool, schedule)
    assert.equal(closes, 1, label)
    assert.ok(errors <= 1, label)
    assert.equal(callbacks, written, label)
    assert.equal(getEventListeners(signal, 'abort').length, 0, label)
    const value = /** @type {any} */ (result)?.value
    if (schedule.fault === 'none') {
      assert.ok(finished, label)
      assert.equal(errors, 0, label)
      const bytes = schedule.kind === 'gzip' ? gunzipSync(received) : schedule.kind === 'collect' ? value : received
      assert.ok(plain.equals(bytes), label)
      if (schedule.kind === 'each') assert.equal(value, schedule.chunks.length, label)
    } else if (result !== undefined) {
      assert.equal('error' in result, !finished || errors > 0, label)
    }
    if (schedule.kind === 'each') assert.ok(plain.subarray(0, received.length).equals(received), label)
  }
  // The step of a stream that was destroyed stops soon after.
  while (pool.stats().running > 0) await turn()
  assert.equal(pool.stats().queued, 0)
  await pool.close()
  await turn()
  process.off('unhandledRejection', listener)
  assert.deepEqual(unhandled, [])
})
