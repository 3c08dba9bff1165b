'use strict'

// Lost memory in arguments of transforms, in inputs and results of functions, and in caches.

const assert = require('node:assert/strict')
const { inspect } = require('node:util')
const { test } = require('node:test')
const { Cache, Pool, pool, transforms, move } = require('../..')
const native = require('../../lib/native')
const { plain, fixture } = require('../support/worker.js')
const { EMPTY, LOST, detach, message, refused } = require('../support/detached.js')

const key = Buffer.alloc(32)
const argument = (/** @type {string} */ name) => `The "${name}" argument`
const property = (/** @type {string} */ name) => `The "${name}" property`

/** Arguments of factories, and their names in messages. @type {[name: string, make: (lost: any) => unknown, only?: RegExp][]} */
const ARGUMENTS = [
  [argument('key'), lost => transforms.hmac('sha256', lost)],
  [argument('key'), lost => transforms.hmac('sha512', lost, { encoding: 'hex' })],
  [argument('key'), lost => transforms.seal('aes-256-gcm', lost)],
  [argument('key'), lost => transforms.seal('chacha20-poly1305', lost)],
  [argument('key'), lost => transforms.open('aes-256-gcm', lost)],
  [property('options.aad'), lost => transforms.seal('aes-256-gcm', key, { aad: lost })],
  [property('options.aad'), lost => transforms.open('aes-256-gcm', key, { aad: lost })],
  [property('options.nonce'), lost => transforms.seal('aes-256-gcm', key, { nonce: lost })],
  [argument('salt'), lost => transforms.pbkdf2('sha256', lost, 1, 32)],
  [property('options.dictionary'), lost => transforms.zstdCompress({ dictionary: lost })],
  [property('options.dictionary'), lost => transforms.zstdDecompress({ dictionary: lost })],
  [argument('schema'), lost => transforms.json.validate(lost)],
  [argument('schema'), lost => transforms.json.validateEach(lost)],
  [property('schema.enum[1].a'), lost => transforms.json.validate({ enum: [0, { a: lost }] })],
  [argument('query'), lost => transforms.numeric.nearest(lost, { k: 1, dimensions: 2 }), /Float32/],
  [property('options.quantiles'), lost => transforms.numeric.stats({ quantiles: lost }), /Array$/],
  [property('options.range'), lost => transforms.numeric.histogram({ bins: 2, range: lost }), /Array$/]
]

test('no transform is made with lost memory as an argument', () => {
  for (const [name, make, only] of ARGUMENTS) {
    for (const [what, lose] of Object.entries(LOST)) {
      if (only !== undefined && !only.test(what)) continue
      assert.throws(() => make(lose()), refused(name, what), `${make} of ${what}`)
    }
  }
})

test('a getter of options that detaches a key is noticed', () => {
  for (const lose of [(/** @type {any} */ it) => it.resize(4), (/** @type {any} */ it) => it.resize(0)]) {
    const buffer = new /** @type {any} */ (ArrayBuffer)(16, { maxByteLength: 16 })
    const options = {
      get encoding() {
        lose(buffer)
        return /** @type {const} */ ('hex')
      }
    }
    const error = refused(argument('key'), 'an out-of-bounds Uint8Array')
    assert.throws(() => transforms.hmac('sha256', new Uint8Array(buffer, 8, 8), options), error)
  }
  const bytes = new Uint8Array(8)
  const options = {
    get encoding() {
      detach(bytes)
      return /** @type {const} */ ('hex')
    }
  }
  assert.throws(() => transforms.hmac('sha256', bytes, options), refused(argument('key'), 'a detached Uint8Array'))
})

/** Calls that accept no bytes. @type {((lost: any) => unknown)[]} */
const ELSEWHERE = [
  lost => transforms.digest(lost),
  lost => transforms.hmac(lost, 'key'),
  lost => transforms.hmac('sha256', 'key', lost),
  lost => transforms.hmac('sha256', 'key', { encoding: lost }),
  lost => transforms.gzip({ level: lost }),
  lost => transforms.gunzip({ maxOutput: lost }),
  lost => transforms.brotliCompress({ quality: lost }),
  lost => transforms.seal('aes-256-gcm', key, lost),
  lost => transforms.pbkdf2('sha256', key, lost, 32),
  lost => transforms.hashPassword({ memoryKiB: lost }),
  lost => transforms.verifyPassword(lost),
  lost => transforms.csv.parse({ header: lost }),
  lost => transforms.csv.parse({ delimiter: lost }),
  lost => transforms.csv.aggregate({ measures: lost }),
  lost => transforms.text.matches(lost),
  lost => transforms.text.replace('a', lost),
  lost => transforms.json.select(lost),
  lost => transforms.json.parse({ maxDepth: lost }),
  lost => transforms.json.stringify({ slice: lost }),
  lost => transforms.numeric.histogram({ bins: lost }),
  lost => transforms.chain(lost),
  lost => transforms.module(lost),
  lost => transforms.workerScript(lost),
  lost => transforms.gzip(lost),
  lost => transforms.csv.parse({ header: [lost] }),
  lost => transforms.numeric.sort(lost),
  lost => transforms.json.stringify(lost),
  lost => transforms.module('x', lost),
  lost => transforms.module('x', { export: lost }),
  lost => move({}, lost),
  lost => new Pool(lost),
  lost => new Pool({ workers: lost }),
  lost => new Pool({ workers: { argv: lost } }),
  lost => new Pool({ workers: { argv: ['a', lost] } }),
  lost => new Pool({ workers: { env: lost } }),
  lost => new Pool({ workers: { resourceLimits: lost } }),
  lost => new Pool({ threads: lost }),
  lost => new Pool({ name: lost }),
  lost => new Cache(lost),
  lost => new Cache({ max: lost }),
  lost => new Cache({ max: 1, name: lost }),
  lost => new Cache({ max: 1, ttl: lost }),
  lost => new Cache({ max: 1, weigh: lost }),
  lost => new Cache({ max: 1, onEvict: lost }),
  lost => new Cache({ max: 1, storage: 'native', codec: lost }),
  lost => new Cache({ max: 1 }).get(lost, () => 1),
  lost => new Cache({ max: 1 }).get('a', lost),
  lost => new Cache({ max: 1 }).getMany(lost, async () => []),
  lost => new Cache({ max: 1 }).getMany([lost], async () => []),
  lost => new Cache({ max: 1 }).set(lost, 1),
  lost => new Cache({ max: 1 }).set('a', 1, { ttl: lost }),
  lost => new Cache({ max: 1 }).resize({ max: lost }),
  lost => new Cache({ max: 1, storage: lost }),
  lost => pool.run(transforms.identity(), 'x', { priority: lost }),
  lost => pool.run(transforms.identity(), 'x', { signal: lost }),
  lost => pool.run(transforms.identity(), 'x', lost),
  lost => pool.map(transforms.identity(), ['x'], lost),
  lost => pool.map(transforms.identity(), ['x'], { concurrency: lost }),
  lost => pool.stream(transforms.identity(), lost),
  lost => pool.run(lost, 'x'),
  lost => pool.sink(transforms.identity(), { highWaterMark: lost }),
  lost => new Cache({ max: 1, maxBytes: 9, weigh: () => lost }).set('a', 1)
]

test('where bytes are not accepted the error is about the type, and names the lost memory', async () => {
  for (const use of ELSEWHERE) {
    for (const what of [
      'a detached Uint8Array',
      'a detached DataView',
      'a detached ArrayBuffer',
      'a detached Buffer'
    ]) {
      await assert.rejects(
        async () => use(LOST[what]()),
        error => {
          const { code, message } = /** @type {any} */ (error)
          assert.match(code, /^ERR_(INVALID_ARG_(TYPE|VALUE)|OUT_OF_RANGE)$/)
          assert.match(message, /detached/, `${use}: ${message}`)
          return true
        }
      )
    }
  }
})

test('native code does not take a detached key for an empty one either', () => {
  const { handle } = native.makeTransform('identity', [])
  for (const what of ['Uint8Array', 'Buffer', 'Float64Array', 'DataView', 'ArrayBuffer']) {
    const lost = LOST[`a detached ${what}`]()
    for (const args of [
      ['sha256', lost],
      ['sha256', 'key', { encoding: lost }]
    ]) {
      assert.throws(() => native.makeTransform('hmac', args), { code: 'ERR_INVALID_ARG_TYPE', message: /detached/ })
    }
    const options = { dictionary: lost }
    assert.throws(() => native.makeTransform('zstdCompress', [options]), { message: /must not be detached/ })
    assert.throws(() => native.makeTransform('csv.parse', [{ columns: { a: lost } }]), { message: /a detached/ })
  }
  const pool = native.openPool({ name: 'lost' })
  const { lost } = { lost: LOST['a detached Uint8Array']() }
  assert.throws(() => native.submit(pool.handle, handle, 0, lost, 0, 1, -1), /not bytes/)
  assert.throws(() => native.submitLent(pool.handle, handle, 0, lost.buffer, 1, -1), /detached/)
  native.closePool(pool.handle)
})

/** Values that contain memory, and its place in them. @type {[place: string, make: (lost: any) => unknown][]} */
const SHAPES = [
  ['.image', image => ({ image })],
  ['[2]', it => [0, 'a', it]],
  ['.users[1].photo', photo => ({ users: [{}, { photo }] })],
  ['["a b"].x', x => ({ 'a b': { x } })],
  ['.get(k)', it => new Map([['k', it]])],
  ['.values()', it => new Set([it])],
  ['.get(an object)', it => new Map([[{ toString: null }, it]])],
  ['.keys()', it => new Map([[it, 1]])],
  ['.cause', cause => Object.assign(new Error('a'), { cause })],
  ['.cause', cause => new Error('a', { cause })],
  ['.a.b.c.d.e', e => ({ a: { b: { c: { d: { e } } } } })]
]

test('the error for an input of a function names the place of lost memory in it', async () => {
  const pool = new Pool({ threads: 1 })
  const script = transforms.workerScript(fixture('script.js'))
  const chain = transforms.chain(plain(), plain('later'))
  for (const [what, lose] of Object.entries(LOST)) {
    for (const transform of [plain(), script, chain]) {
      const run = (/** @type {any} */ input) => pool.run(transform, input)
      await assert.rejects(run(lose()), refused(argument('input'), what))
      await assert.rejects(run(move(lose())), refused(argument('input'), what))
      await assert.rejects(run(move({}, [lose()])), refused('transfer[0]', what))
      await assert.rejects(run(move({}, [new ArrayBuffer(8), lose()])), refused('transfer[1]', what))
      await assert.rejects(pool.map(transform, [lose()]), refused('inputs[0]', what))
      await assert.rejects(pool.iterate(transform, [move(lose())]).next(), refused('inputs[0]', what))
      for (const [place, make] of SHAPES) {
        if (transform === script && place !== '.image') continue
        const error = {
          name: 'DataCloneError',
          message: `The input cannot be cloned: ${message(`input${place}`, what)}`
        }
        await assert.rejects(run(make(lose())), error)
        // The rest of the transfer list is not transferred.
        const kept = new ArrayBuffer(8)
        await assert.rejects(run(move(/** @type {any} */ (make(lose())), [kept])), error)
        assert.equal(kept.byteLength, 8)
      }
    }
  }
  const { running, queued, queuedBytes } = pool.stats()
  assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
  assert.equal(await pool.run(plain(), 'next'), 'next')
  await pool.close()
})

test('an input that is lost before it is sent fails alone', async () => {
  const pool = new Pool({ threads: 1 })
  const bytes = new Uint8Array(8)
  const all = [pool.run(plain(), 1), pool.run(plain(), bytes), pool.run(plain(), 3)]
  detach(bytes)
  const [one, lost, three] = await Promise.allSettled(all)
  assert.deepEqual(
    [one, three].map(it => it.status === 'fulfilled' && it.value),
    [1, 3]
  )
  assert.ok(lost.status === 'rejected')
  assert.equal(lost.reason.message, `The input cannot be cloned: ${message('input', 'a detached Uint8Array')}`)
  await pool.close()
})

test('memory that is moved twice is refused the second time', async () => {
  const pool = new Pool({ threads: 1 })
  for (const transform of [plain('size'), transforms.identity()]) {
    const given = move(new Uint8Array(8))
    await pool.run(transform, given)
    await assert.rejects(pool.run(transform, given), refused(argument('input'), 'a detached Uint8Array'))
    const listed = new ArrayBuffer(8)
    await pool.run(plain(), move({ listed }, [listed]))
    await assert.rejects(
      pool.run(plain(), move({ listed }, [listed])),
      refused('transfer[0]', 'a detached ArrayBuffer')
    )
  }
  await pool.close()
})

test('the error for a result of a function names the place of lost memory in it', async () => {
  const pool = new Pool({ threads: 1 })
  const lose = plain('lose')
  const lost = (/** @type {string} */ place, what = 'a detached Uint8Array') => ({
    name: 'DataCloneError',
    message: `The result cannot be cloned: ${message(place, what)}`
  })
  await assert.rejects(pool.run(lose, 'view'), lost('result'))
  await assert.rejects(pool.run(lose, 'buffer'), lost('result', 'a detached ArrayBuffer'))
  await assert.rejects(pool.run(lose, 'moved'), lost('result'))
  await assert.rejects(pool.run(lose, 'nested'), lost('result.list[1].bytes'))
  await assert.rejects(pool.run(transforms.chain(lose, transforms.digest('md5')), 'view'), lost('result'))
  await pool.close()
})

test('no cache keeps lost memory', async () => {
  for (const options of [
    {},
    { maxBytes: 100, weigh: () => 1 },
    { storage: 'native' },
    { storage: 'native', codec: 'json' },
    { storage: 'native', codec: 'bytes' },
    { storage: 'native', codec: { encode: (/** @type {any} */ it) => it, decode: (/** @type {any} */ it) => it } },
    { name: 'lost' }
  ]) {
    for (const [what, lose] of Object.entries(LOST)) {
      const cache = new Cache(/** @type {any} */ ({ max: 3, load: lose, ...options }))
      const error = refused("The value of 'a'", what)
      assert.throws(() => cache.set('a', lose()), error, inspect(options))
      await assert.rejects(cache.get('a', lose), error)
      await assert.rejects(
        cache.getMany(['a'], async () => [lose()]),
        /must not be detached/
      )
      await assert.rejects(cache.refresh('a'), error)
      assert.deepEqual([cache.size, cache.has('a'), cache.peek('a')], [0, false, undefined])
      cache.close()
    }
  }
})

test('no codec writes lost memory inside a value as empty', () => {
  for (const codec of /** @type {const} */ (['v8', 'json'])) {
    for (const [what, lose] of Object.entries(LOST)) {
      for (const [place, make] of SHAPES) {
        // JSON omits the contents of these.
        if (codec === 'json' && /\(|cause/.test(place)) continue
        const cache = new Cache({ max: 3, storage: 'native', codec })
        assert.throws(() => cache.set('a', make(lose())), {
          code: 'ERR_INVALID_ARG_VALUE',
          message: `The value of 'a' cannot be encoded: ${message(`value${place}`, what)}`
        })
        assert.equal(cache.size, 0)
        cache.close()
      }
    }
  }
})

test("codec 'json' reads no more of a value than JSON does", () => {
  const cache = new Cache({ max: 3, storage: 'native', codec: 'json' })
  const bytes = LOST['a detached Buffer']()
  cache.set('a', { bytes, toJSON: () => ({}) })
  assert.deepEqual(cache.peek('a'), {})
  assert.throws(() => cache.set('a', { inner: { toJSON: () => [bytes] } }), {
    message: `The value of 'a' cannot be encoded: ${message('a value in its JSON', 'a detached Buffer')}`
  })
})

test('a value that an encoder or a weigher detaches is not stored as empty', () => {
  const error = refused("What the codec's encode() returns", 'a detached Uint8Array')
  const codec = { encode: () => LOST['a detached Uint8Array'](), decode: () => 0 }
  const encoding = new Cache({ max: 3, storage: 'native', codec })
  assert.throws(() => encoding.set('a', 1), error)
  const weigh = (/** @type {any} */ bytes) => detach(bytes) && 1
  const weighing = new Cache({ max: 3, maxBytes: 100, storage: 'native', codec: 'bytes', weigh })
  assert.throws(() => weighing.set('a', new Uint8Array(8)), refused("The value of 'a'", 'a detached Uint8Array'))
  assert.deepEqual([encoding.size, weighing.size], [0, 0])
})

test('empty bytes that are not lost are kept', () => {
  for (const make of EMPTY) {
    const heap = new Cache({ max: 1 })
    heap.set('a', make())
    const cache = new Cache({ max: 1, storage: 'native' })
    cache.set('a', { it: [make()] })
    const json = new Cache({ max: 1, storage: 'native', codec: 'json' })
    json.set('a', { it: make(), none: {}, data: [] })
    assert.deepEqual([heap.size, cache.size, json.size], [1, 1, 1])
  }
  const bytes = new Cache({ max: 1, storage: 'native', codec: 'bytes' })
  bytes.set('a', new Uint8Array(0))
  assert.deepEqual(bytes.peek('a'), Buffer.alloc(0))
})
