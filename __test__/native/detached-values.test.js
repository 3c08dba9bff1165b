'use strict'

// Detached memory in arguments of transforms, inputs and results of module functions, and caches.

const assert = require('node:assert/strict')
const { inspect } = require('node:util')
const { test } = require('node:test')
const { Cache, Pool, pool, transforms, move } = require('../..')
const native = require('../../lib/native')
const { userFunction, fixture } = require('../support/worker.js')
const { EMPTY, DETACHED, detach, detachedMessage, detachedError } = require('../support/detached.js')

const key = Buffer.alloc(32)
const argument = (/** @type {string} */ name) => `The "${name}" argument`
const property = (/** @type {string} */ name) => `The "${name}" property`

/** Factory calls, with the argument's name in messages. @type {[name: string, make: (detached: any) => unknown, only?: RegExp][]} */
const ARGUMENTS = [
  [argument('key'), detached => transforms.hmac('sha256', detached)],
  [argument('key'), detached => transforms.hmac('sha512', detached, { encoding: 'hex' })],
  [argument('key'), detached => transforms.seal('aes-256-gcm', detached)],
  [argument('key'), detached => transforms.seal('chacha20-poly1305', detached)],
  [argument('key'), detached => transforms.open('aes-256-gcm', detached)],
  [argument('salt'), detached => transforms.pbkdf2('sha256', detached, 1, 32)],
  [property('options.dictionary'), detached => transforms.zstdCompress({ dictionary: detached })],
  [property('options.dictionary'), detached => transforms.zstdDecompress({ dictionary: detached })],
  [argument('schema'), detached => transforms.json.validate(detached)],
  [argument('schema'), detached => transforms.json.validateEach(detached)],
  [property('schema.enum[1].a'), detached => transforms.json.validate({ enum: [0, { a: detached }] })],
  [argument('matrix'), detached => transforms.numeric.nearest(detached, { k: 1, dimensions: 2 }), /Float32/],
  [property('options.quantiles'), detached => transforms.numeric.stats({ quantiles: detached }), /Array$/],
  [property('options.range'), detached => transforms.numeric.histogram({ bins: 2, range: detached }), /Array$/]
]

test('factories reject detached arguments', () => {
  for (const [name, make, only] of ARGUMENTS) {
    for (const [received, makeDetached] of Object.entries(DETACHED)) {
      if (only !== undefined && !only.test(received)) continue
      assert.throws(() => make(makeDetached()), detachedError(name, received), `${make} of ${received}`)
    }
  }
})

test('detects a key that is detached by a getter of the options', () => {
  for (const makeDetached of [(/** @type {any} */ it) => it.resize(4), (/** @type {any} */ it) => it.resize(0)]) {
    const buffer = new /** @type {any} */ (ArrayBuffer)(16, { maxByteLength: 16 })
    const options = {
      get encoding() {
        makeDetached(buffer)
        return /** @type {const} */ ('hex')
      }
    }
    const error = detachedError(argument('key'), 'an out-of-bounds Uint8Array')
    assert.throws(() => transforms.hmac('sha256', new Uint8Array(buffer, 8, 8), options), error)
  }
  const bytes = new Uint8Array(8)
  const options = {
    get encoding() {
      detach(bytes)
      return /** @type {const} */ ('hex')
    }
  }
  assert.throws(
    () => transforms.hmac('sha256', bytes, options),
    detachedError(argument('key'), 'a detached Uint8Array')
  )
})

/** Calls that accept no bytes. @type {((detached: any) => unknown)[]} */
const NOT_BYTES = [
  detached => transforms.digest(detached),
  detached => transforms.hmac(detached, 'key'),
  detached => transforms.hmac('sha256', 'key', detached),
  detached => transforms.hmac('sha256', 'key', { encoding: detached }),
  detached => transforms.gzip({ level: detached }),
  detached => transforms.gunzip({ maxOutput: detached }),
  detached => transforms.brotliCompress({ quality: detached }),
  detached => transforms.pbkdf2('sha256', key, detached, 32),
  detached => transforms.hashPassword({ memoryKiB: detached }),
  detached => transforms.csv.parse({ header: detached }),
  detached => transforms.csv.parse({ delimiter: detached }),
  detached => transforms.csv.aggregate({ measures: detached }),
  detached => transforms.text.matches(detached),
  detached => transforms.text.replace('a', detached),
  detached => transforms.json.select(detached),
  detached => transforms.json.parse({ maxDepth: detached }),
  detached => transforms.json.stringify({ sliceMs: detached }),
  detached => transforms.numeric.histogram({ bins: detached }),
  detached => transforms.chain(detached),
  detached => transforms.worker(detached),
  detached => transforms.workerScript(detached),
  detached => transforms.gzip(detached),
  detached => transforms.csv.parse({ header: [detached] }),
  detached => transforms.numeric.sort(detached),
  detached => transforms.json.stringify(detached),
  detached => transforms.worker('x', detached),
  detached => transforms.worker('x', { export: detached }),
  detached => move({}, detached),
  detached => new Pool(detached),
  detached => new Pool({ workers: detached }),
  detached => new Pool({ workers: { argv: detached } }),
  detached => new Pool({ workers: { argv: ['a', detached] } }),
  detached => new Pool({ workers: { env: detached } }),
  detached => new Pool({ workers: { resourceLimits: detached } }),
  detached => new Pool({ threads: detached }),
  detached => new Pool({ name: detached }),
  detached => new Cache(detached),
  detached => new Cache({ max: detached }),
  detached => new Cache({ max: 1, name: detached }),
  detached => new Cache({ max: 1, ttl: detached }),
  detached => new Cache({ max: 1, weigh: detached }),
  detached => new Cache({ max: 1, onEvict: detached }),
  detached => new Cache({ max: 1, storage: 'native', codec: detached }),
  detached => new Cache({ max: 1 }).get(detached, () => 1),
  detached => new Cache({ max: 1 }).get('a', detached),
  detached => new Cache({ max: 1 }).getMany(detached, async () => []),
  detached => new Cache({ max: 1 }).getMany([detached], async () => []),
  detached => new Cache({ max: 1 }).set(detached, 1),
  detached => new Cache({ max: 1 }).set('a', 1, { ttl: detached }),
  detached => new Cache({ max: 1 }).resize({ max: detached }),
  detached => new Cache({ max: 1, storage: detached }),
  detached => pool.run(transforms.identity(), 'x', { priority: detached }),
  detached => pool.run(transforms.identity(), 'x', { signal: detached }),
  detached => pool.run(transforms.identity(), 'x', detached),
  detached => pool.map(transforms.identity(), ['x'], detached),
  detached => pool.map(transforms.identity(), ['x'], { concurrency: detached }),
  detached => pool.stream(transforms.identity(), detached),
  detached => pool.run(detached, 'x'),
  detached => pool.collect(transforms.identity(), { highWaterMark: detached }),
  detached => pool.each(transforms.identity(), detached),
  detached => new Cache({ max: 1, maxBytes: 9, weigh: () => detached }).set('a', 1)
]

test('the type error of a parameter that does not accept bytes names detached memory', async () => {
  for (const use of NOT_BYTES) {
    for (const received of [
      'a detached Uint8Array',
      'a detached DataView',
      'a detached ArrayBuffer',
      'a detached Buffer'
    ]) {
      await assert.rejects(
        async () => use(DETACHED[received]()),
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

test('native code rejects a detached key', () => {
  const { handle } = native.createTransform('identity', [])
  for (const received of ['Uint8Array', 'Buffer', 'Float64Array', 'DataView', 'ArrayBuffer']) {
    const detached = DETACHED[`a detached ${received}`]()
    for (const args of [
      ['sha256', detached],
      ['sha256', 'key', { encoding: detached }]
    ]) {
      assert.throws(() => native.createTransform('hmac', args), { code: 'ERR_INVALID_ARG_TYPE', message: /detached/ })
    }
    const options = { dictionary: detached }
    assert.throws(() => native.createTransform('zstdCompress', [options]), { message: /must not be detached/ })
    assert.throws(() => native.createTransform('csv.parse', [{ columns: { a: detached } }]), { message: /a detached/ })
  }
  const pool = native.openPool({ name: 'detached' })
  const { detached } = { detached: DETACHED['a detached Uint8Array']() }
  assert.throws(() => native.submit(pool.handle, handle, 0, detached, 0, 1, -1), /not bytes/)
  assert.throws(() => native.submitBorrowed(pool.handle, handle, 0, detached.buffer, 1, -1), /detached/)
  native.closePool(pool.handle)
})

/** Values that contain memory, with its path. @type {[path: string, make: (detached: any) => unknown][]} */
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

test('the clone error of an input has the path of detached memory', async () => {
  const pool = new Pool({ threads: 1 })
  const script = transforms.workerScript(fixture('script.js'))
  const chain = transforms.chain(userFunction(), userFunction('later'))
  for (const [received, makeDetached] of Object.entries(DETACHED)) {
    for (const transform of [userFunction(), script, chain]) {
      const run = (/** @type {any} */ input) => pool.run(transform, input)
      await assert.rejects(run(makeDetached()), detachedError(argument('input'), received))
      await assert.rejects(run(move(makeDetached())), detachedError(argument('input'), received))
      await assert.rejects(run(move({}, [makeDetached()])), detachedError('transfer[0]', received))
      await assert.rejects(run(move({}, [new ArrayBuffer(8), makeDetached()])), detachedError('transfer[1]', received))
      await assert.rejects(pool.map(transform, [makeDetached()]), detachedError('inputs[0]', received))
      await assert.rejects(pool.iterate(transform, [move(makeDetached())]).next(), detachedError('inputs[0]', received))
      for (const [path, make] of SHAPES) {
        if (transform === script && path !== '.image') continue
        const error = {
          name: 'DataCloneError',
          message: `The input cannot be cloned: ${detachedMessage(`input${path}`, received)}`
        }
        await assert.rejects(run(make(makeDetached())), error)
        // The rest of the transfer list is not transferred.
        const kept = new ArrayBuffer(8)
        await assert.rejects(run(move(/** @type {any} */ (make(makeDetached())), [kept])), error)
        assert.equal(kept.byteLength, 8)
      }
    }
  }
  const { running, queued, queuedBytes } = pool.stats()
  assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
  assert.equal(await pool.run(userFunction(), 'next'), 'next')
  await pool.close()
})

test('an input that is detached before it is sent fails only its own task', async () => {
  const pool = new Pool({ threads: 1 })
  const bytes = new Uint8Array(8)
  const all = [pool.run(userFunction(), 1), pool.run(userFunction(), bytes), pool.run(userFunction(), 3)]
  detach(bytes)
  const [one, detached, three] = await Promise.allSettled(all)
  assert.deepEqual(
    [one, three].map(it => it.status === 'fulfilled' && it.value),
    [1, 3]
  )
  assert.ok(detached.status === 'rejected')
  assert.equal(
    detached.reason.message,
    `The input cannot be cloned: ${detachedMessage('input', 'a detached Uint8Array')}`
  )
  await pool.close()
})

test('rejects memory that is moved a second time', async () => {
  const pool = new Pool({ threads: 1 })
  for (const transform of [userFunction('size'), transforms.identity()]) {
    const given = move(new Uint8Array(8))
    await pool.run(transform, given)
    await assert.rejects(pool.run(transform, given), detachedError(argument('input'), 'a detached Uint8Array'))
    const listed = new ArrayBuffer(8)
    await pool.run(userFunction(), move({ listed }, [listed]))
    await assert.rejects(
      pool.run(userFunction(), move({ listed }, [listed])),
      detachedError('transfer[0]', 'a detached ArrayBuffer')
    )
  }
  await pool.close()
})

test('the clone error of a result has the path of detached memory', async () => {
  const pool = new Pool({ threads: 1 })
  const makeDetached = userFunction('detach')
  const detached = (/** @type {string} */ path, received = 'a detached Uint8Array') => ({
    name: 'DataCloneError',
    message: `The result cannot be cloned: ${detachedMessage(path, received)}`
  })
  await assert.rejects(pool.run(makeDetached, 'view'), detached('result'))
  await assert.rejects(pool.run(makeDetached, 'buffer'), detached('result', 'a detached ArrayBuffer'))
  await assert.rejects(pool.run(makeDetached, 'moved'), detached('result'))
  await assert.rejects(pool.run(makeDetached, 'nested'), detached('result.list[1].bytes'))
  await assert.rejects(pool.run(transforms.chain(makeDetached, transforms.digest('md5')), 'view'), detached('result'))
  await pool.close()
})

test('caches reject detached memory', async () => {
  for (const options of [
    {},
    { maxBytes: 100, weigh: () => 1 },
    { storage: 'native' },
    { storage: 'native', codec: 'json' },
    { storage: 'native', codec: 'bytes' },
    { storage: 'native', codec: { encode: (/** @type {any} */ it) => it, decode: (/** @type {any} */ it) => it } },
    { name: 'detached' }
  ]) {
    for (const [received, makeDetached] of Object.entries(DETACHED)) {
      const cache = new Cache(/** @type {any} */ ({ max: 3, load: makeDetached, ...options }))
      const error = detachedError("The value of 'a'", received)
      assert.throws(() => cache.set('a', makeDetached()), error, inspect(options))
      await assert.rejects(cache.get('a', makeDetached), error)
      await assert.rejects(
        cache.getMany(['a'], async () => [makeDetached()]),
        /must not be detached/
      )
      await assert.rejects(cache.refresh('a'), error)
      assert.deepEqual([cache.size, cache.has('a'), cache.peek('a')], [0, false, undefined])
      cache.close()
    }
  }
})

test('codecs reject detached memory inside a value', () => {
  for (const codec of /** @type {const} */ (['v8', 'json'])) {
    for (const [received, makeDetached] of Object.entries(DETACHED)) {
      for (const [path, make] of SHAPES) {
        // JSON omits the contents of Map, Set and Error.
        if (codec === 'json' && /\(|cause/.test(path)) continue
        const cache = new Cache({ max: 3, storage: 'native', codec })
        assert.throws(() => cache.set('a', make(makeDetached())), {
          code: 'ERR_INVALID_ARG_VALUE',
          message: `The value of 'a' cannot be encoded: ${detachedMessage(`value${path}`, received)}`
        })
        assert.equal(cache.size, 0)
        cache.close()
      }
    }
  }
})

test("codec 'json' checks only the parts that JSON reads", () => {
  const cache = new Cache({ max: 3, storage: 'native', codec: 'json' })
  const bytes = DETACHED['a detached Buffer']()
  cache.set('a', { bytes, toJSON: () => ({}) })
  assert.deepEqual(cache.peek('a'), {})
  assert.throws(() => cache.set('a', { inner: { toJSON: () => [bytes] } }), {
    message: `The value of 'a' cannot be encoded: ${detachedMessage('a value in its JSON', 'a detached Buffer')}`
  })
})

test('rejects a value that encode or weigh detaches', () => {
  const error = detachedError("The result of the codec's encode()", 'a detached Uint8Array')
  const codec = { encode: () => DETACHED['a detached Uint8Array'](), decode: () => 0 }
  const encoding = new Cache({ max: 3, storage: 'native', codec })
  assert.throws(() => encoding.set('a', 1), error)
  const weigh = (/** @type {any} */ bytes) => detach(bytes) && 1
  const weighing = new Cache({ max: 3, maxBytes: 100, storage: 'native', codec: 'bytes', weigh })
  assert.throws(() => weighing.set('a', new Uint8Array(8)), detachedError("The value of 'a'", 'a detached Uint8Array'))
  assert.deepEqual([encoding.size, weighing.size], [0, 0])
})

test('stores empty bytes that are not detached', () => {
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
