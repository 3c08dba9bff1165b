'use strict'

// Errors about one input of a bulk call, for every kind of transform and every verb.

const assert = require('node:assert/strict')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { Cache, Pool, move, transforms } = require('../..')
const { DETACHED } = require('../support/detached.js')
const { userFunction } = require('../support/worker.js')

const { chain, csv, gunzip, gzip, json, numeric, open, seal, verifyPassword } = transforms
const key = Buffer.alloc(32, 1)
const bytes = Buffer.from('text')
const matrix = new Float32Array([1, 0, 0, 1])
const row = new Float32Array(2)
const large = Buffer.alloc(2 << 20)
const echo = userFunction()
const raise = userFunction('throwIf')
const hash = '$2b$04$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm'

/**
 * A transform, a good input, inputs whose type is wrong, and one of the right type for which it fails, if there is one.
 * @typedef {[transform: any, good: any, wrong: any[], failing?: any]} Kind
 */

/** @type {Record<string, Kind>} */
const KINDS = {
  bytes: [gunzip(), require('node:zlib').gzipSync(bytes), [5, null, {}], bytes],
  'large bytes': [gunzip(), require('node:zlib').gzipSync(large), [undefined], large],
  'secret bytes': [open('aes-256-gcm', key), { data: sealed() }, [5, { data: 5 }, { aad: bytes }], bytes],
  fields: [
    seal('aes-256-gcm', key),
    { data: bytes },
    [{}, { data: null }, { data: bytes, x: 1 }],
    { data: bytes, nonce: bytes }
  ],
  'fields only': [
    verifyPassword(),
    { password: 'a', hash },
    ['a', { hash }, { password: 'a', hash: 5 }],
    { password: 'a', hash: 'b' }
  ],
  csv: [csv.parse(), 'a,b\n1,2', [5], 'a,b\n1'],
  json: [json.parse(), '{}', [5, Symbol('s')], '{'],
  numeric: [numeric.stats(), row, [bytes.buffer, 'a', [1]]],
  nearest: [
    numeric.nearest(matrix, { k: 1, dimensions: 2 }),
    row,
    ['a', bytes, new Float64Array(2)],
    new Float32Array(3)
  ],
  'json.stringify': [json.stringify(), {}, [], cyclic()],
  worker: [echo, 1, [], () => {}],
  'worker that throws': [raise, 0, [], 1],
  'worker with a moved input': [echo, 1, [], move({ f() {} }, [])],
  'chain of bytes': [chain(gzip(), gunzip(), gunzip()), require('node:zlib').gzipSync(bytes), [5], bytes],
  'chain of fields': [chain(seal('aes-256-gcm', key), gzip()), { data: bytes }, [{}, 5], { data: bytes, nonce: bytes }],
  'chain of numbers': [chain(numeric.stats(), json.stringify()), row, ['a']],
  'chain of nearest': [chain(numeric.nearest(matrix, { k: 1, dimensions: 2 }), echo), row, ['a'], new Float32Array(3)],
  'chain from a value': [chain(json.stringify(), gzip()), {}, [], cyclic()],
  'chain of stringify and a worker': [chain(json.stringify(), raise), {}, [], 1],
  'chain from a worker': [chain(echo, gzip()), 'a', [], 5],
  'chain of workers': [chain(echo, raise), 0, [], 1]
}

/** Verbs that reject with the error of an input. @type {Record<string, (pool: Pool, transform: any, inputs: any[]) => Promise<any>>} */
const VERBS = {
  map: (pool, transform, inputs) => pool.map(transform, inputs),
  'map, settled': async (pool, transform, inputs) => {
    const results = await pool.map(transform, inputs, { settle: true })
    for (const result of results) if (result.status === 'rejected') throw result.reason
  },
  'map, one at a time': (pool, transform, inputs) => pool.map(transform, inputs, { concurrency: 1 }),
  'map of an async iterable': (pool, transform, inputs) => pool.map(transform, later(inputs)),
  iterate: async (pool, transform, inputs) => {
    for await (const _ of pool.iterate(transform, inputs));
  },
  each: (pool, transform, inputs) =>
    pipeline(
      Readable.from(inputs, { objectMode: true }),
      pool.each(transform, undefined, { objectMode: true, concurrency: 2 })
    )
}

for (const [kind, [transform, good, wrong, failing]] of Object.entries(KINDS)) {
  test(`errors about an input of ${kind} name it`, async t => {
    const pool = new Pool({ threads: 2 })
    t.after(() => pool.close())
    for (const [verb, run] of Object.entries(VERBS)) {
      const fail = (/** @type {unknown} */ bad) =>
        run(pool, transform, [good, good, good, bad, good]).then(
          () => assert.fail(`${verb} did not reject`),
          error => error
        )
      for (const bad of [...wrong, ...Object.values(DETACHED).map(make => make())]) {
        // A stream refuses null and undefined, which end it.
        if (verb === 'each' && bad == null) continue
        const error = await fail(bad)
        assert.deepEqual([error.index, error.code?.slice(0, 15)], [3, 'ERR_INVALID_ARG'], `${verb}: ${error.message}`)
        // In a stream, detached memory is a chunk.
        assert.match(error.message, verb === 'each' ? /inputs\[3\]|The "chunk" argument/ : /inputs\[3\]/, verb)
        assert.match(error.message, /Received|unknown/, verb)
      }
      if (failing === undefined) continue
      const error = await fail(failing)
      assert.equal(error.index, 3, `${verb}: ${error.stack}`)
    }
  })
}

test('an id of the wrong type is named by its index', async () => {
  const message = 'ids[2] must be of type string, number or bigint. Received an instance of Object'
  for (const storage of /** @type {const} */ (['heap', 'native'])) {
    const cache = new Cache({ max: 5, storage, load: async id => id })
    const ids = /** @type {any[]} */ (['a', 1, {}, 2])
    const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message }
    await assert.rejects(cache.getMany(ids), error)
    await assert.rejects(
      cache.getMany(ids, async wanted => wanted),
      error
    )
    cache.close()
  }
})

function sealed() {
  const { createCipheriv } = require('node:crypto')
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12))
  return Buffer.concat([Buffer.alloc(12), cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function cyclic() {
  const value = /** @type {any} */ ({})
  value.self = value
  return value
}

/** @param {any[]} inputs */
async function* later(inputs) {
  yield* inputs
}

test('an iterator without a method next() is refused', async () => {
  const pool = new Pool({ threads: 1 })
  const sources = /** @type {any[]} */ ([
    { [Symbol.iterator]: () => ({}) },
    { [Symbol.asyncIterator]: () => ({}) },
    { [Symbol.iterator]: () => undefined }
  ])
  const refused = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'The "next" property of the iterator of "inputs" must be of type function. Received undefined'
  }
  for (const source of sources) {
    await assert.rejects(pool.map(gzip(), source), refused)
    await assert.rejects(async () => pool.iterate(gzip(), source).next(), refused)
  }
  await pool.close()
})
