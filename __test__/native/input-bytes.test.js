'use strict'

// The size of an input for maxQueueBytes: its real size, not that of shadowing properties.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, move, transforms } = require('../../index.js')
const { fixture, waitForValue, release, sharedWords } = require('../support/worker.js')
const { detached, poisoned, values } = require('../fixtures/user-code/values.js')

const { chain, gzip, json, worker, text } = transforms
const echo = worker(require.resolve('../fixtures/user-code/constant.js'))
const hold = worker(fixture('functions.js'), { export: 'meet' })

/** Returns an object like a bufferView of glTF. */
const view = () => ({ buffer: 0, byteOffset: 0, byteLength: 200e6 })

/** @type {Record<string, () => any>} */
const weightless = {
  'an object with byteLength': view,
  'an object with length': () => ({ length: 200e6 }),
  'an object like an ArrayBuffer': () => ({ byteLength: 200e6, [Symbol.toStringTag]: 'ArrayBuffer' }),
  'an object with a prototype of bytes': () => Object.assign(Object.create(null), view()),
  'detached bytes': () => detached(new Uint8Array(8)),
  'a detached DataView': () => detached(new DataView(new ArrayBuffer(8))),
  'a byteLength that throws': values['byteLength getter'],
  'a Proxy': () => new Proxy(view(), {})
}

test('values that are not bytes do not count toward maxQueueBytes', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10, maxQueueBytes: 1000 })
  for (const transform of [echo, chain(echo, gzip()), json.stringify()]) {
    for (const [name, make] of Object.entries(weightless)) {
      const outcomes = await Promise.allSettled([pool.run(transform, make()), pool.run(transform, make())])
      for (const it of outcomes) {
        if (it.status === 'rejected') assert.notEqual(it.reason.code, 'ERR_OFFLOOP_QUEUE_FULL', name)
      }
      assert.equal(pool.stats().queuedBytes, 0, name)
    }
  }
  await pool.close()
})

/**
 * @param {object} bytes
 * @param {number} length
 */
const withByteLength = (bytes, length) => Object.defineProperty(bytes, 'byteLength', { value: length })

test('bytes count by their real size, not by their properties', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 10, maxQueueBytes: 1 << 20 })
  const gate = sharedWords()
  const first = pool.run(hold, gate)
  /** @type {[input: any, bytes: number][]} */
  const inputs = [
    [withByteLength(new Uint8Array(100), 2 ** 40), 100],
    [withByteLength(new Float64Array(10), 0), 80],
    [withByteLength(new DataView(new ArrayBuffer(60), 20), 2 ** 40), 40],
    [withByteLength(new ArrayBuffer(7), 2 ** 40), 7],
    [withByteLength(new SharedArrayBuffer(9), 2 ** 40), 9],
    [poisoned(new Uint16Array(4), 'byteLength'), 8],
    [move(new Uint8Array(33)), 33]
  ]
  await waitForValue(gate, 0, 1)
  const { queuedBytes } = pool.stats()
  let sum = queuedBytes
  const tasks = inputs.map(([input, bytes]) => {
    const task = pool.run(echo, input)
    sum += bytes
    assert.equal(pool.stats().queuedBytes, sum)
    return task
  })
  release(gate)
  await Promise.all([first, ...tasks])
  await pool.close()
})

test('a native transform reads the real bytes of a view, and ignores its properties', async () => {
  const pool = new Pool({ threads: 1 })
  const bytes = Buffer.from('text and more')
  const memory = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  const poisonAll = (/** @type {object} */ input) =>
    poisoned(poisoned(poisoned(input, 'buffer'), 'byteOffset'), 'byteLength')
  for (const make of [() => new DataView(memory, 5, 3), () => new Int8Array(memory, 5, 3)]) {
    const input = /** @type {any} */ (poisonAll(make()))
    assert.equal(String(await pool.run(transforms.identity(), input)), 'and')
    assert.equal(String((await pool.map(transforms.identity(), [input]))[0]), 'and')
    assert.equal(String(await pool.run(transforms.identity(), move(input))), 'and')
    assert.equal(await pool.run(text.base64Encode(), input), 'YW5k')
  }
  await pool.close()
})
