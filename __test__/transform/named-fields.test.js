'use strict'

// Inputs of named fields: `seal` and `open` with `aad` and `nonce`, `verifyPassword`.

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { test } = require('node:test')
const { Pool, pool, transforms, move } = require('../..')
const { PackedInputs } = require('../../lib/pool/bulk/batch.js')
const { DETACHED } = require('../support/detached.js')

const key = crypto.randomBytes(32)
/** @type {any} */
const seal = transforms.seal('aes-256-gcm', key)
/** @type {any} */
const open = transforms.open('aes-256-gcm', key)
/** @type {any} */
const verify = transforms.verifyPassword()
const hashed = pool.run(transforms.hashPassword({ memoryKiB: 8, iterations: 1 }), 'pässword')

/**
 * Seals with node:crypto.
 * @param {string | Uint8Array} data
 * @param {string | Uint8Array} aad
 * @param {Uint8Array} nonce
 */
function sealed(data, aad, nonce) {
  const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad))
  return Buffer.concat([nonce, cipher.update(data), cipher.final(), cipher.getAuthTag()])
}

test('fields of every size and type arrive unchanged', async () => {
  const nonce = crypto.randomBytes(12)
  const bytes = crypto.randomBytes(3 << 20)
  const shared = new Uint8Array(new SharedArrayBuffer(5000)).fill(7)
  for (const data of ['', 'text', 'é'.repeat(2000), '😀é'.repeat(500_000), bytes, bytes.subarray(1, 5000), shared]) {
    for (const aad of [undefined, '', 'ü', shared, bytes.subarray(0, 1_500_000)]) {
      const expected = sealed(Buffer.from(data), aad ?? '', nonce)
      const [one, [many]] = await Promise.all([
        pool.run(seal, { data, aad, nonce }),
        pool.map(seal, [{ data, aad, nonce }])
      ])
      assert.ok(one.equals(expected), `${data.length} ${aad?.length}`)
      assert.ok(many.equals(expected), `${data.length} ${aad?.length}`)
      assert.ok((await pool.run(open, { data: one, aad })).equals(Buffer.from(data)))
    }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, 100)
  const expected = sealed(bytes.subarray(0, 100), '', nonce)
  assert.deepEqual(
    await pool.run(seal, {
      data: view,
      nonce: new Uint32Array(nonce.buffer.slice(nonce.byteOffset, nonce.byteOffset + 12))
    }),
    expected
  )
})

test('plain inputs and named fields may be mixed in bulk calls', async () => {
  const hash = await hashed
  const inputs = Array.from({ length: 300 }, (_, index) =>
    index % 2 === 0 ? `${index}` : { data: `${index}`, aad: 'x' }
  )
  const messages = await pool.map(seal, inputs)
  const openings = messages.map((data, index) => (index % 2 === 0 ? data : { data, aad: 'x' }))
  const opened = []
  for await (const message of pool.iterate(open, openings)) opened.push(String(message))
  assert.deepEqual(
    opened,
    inputs.map((_, index) => `${index}`)
  )
  const passwords = ['pässword', Buffer.from('pässword'), 'wrong']
  assert.deepEqual(
    await pool.map(
      verify,
      passwords.map(password => ({ password, hash }))
    ),
    [true, true, false]
  )
  const results = /** @type {unknown[]} */ ([])
  const sink = pool.each(verify, it => results.push(it), { objectMode: true })
  for (const password of passwords) sink.write({ password, hash })
  sink.end()
  assert.equal(await sink.result, 3)
  assert.deepEqual(results, [true, true, false])
})

test('the first step of a chain accepts named fields', async () => {
  const native = transforms.chain(open, transforms.gunzip(), transforms.json.parse())
  const pack = transforms.chain(transforms.json.stringify(), transforms.gzip(), seal)
  assert.deepEqual(await pool.run(native, await pool.run(pack, { a: [1] })), { a: [1] })
  const gzipped = await pool.run(transforms.gzip(), '{"b":2}')
  const data = await pool.run(seal, { data: gzipped, aad: 'user' })
  assert.deepEqual(await pool.run(native, { data, aad: 'user' }), { b: 2 })
  assert.deepEqual(await pool.map(native, [{ data, aad: 'user' }]), [{ b: 2 }])
  await assert.rejects(pool.run(native, { data }), { code: 'ERR_OFFLOOP_AUTHENTICATION', transform: 'open' })
  // A chain with a JavaScript step before or after it.
  const withModule = transforms.chain(open, transforms.json.stringify())
  assert.match(String(await pool.run(withModule, { data, aad: 'user' })), /^{"type":"Buffer"/)
})

test('wrong fields are reported by name, without their content', async () => {
  const secret = 'a secret'
  const hash = await hashed
  const fields = "an object with the properties 'password', 'hash'"
  const own = new Pool({ threads: 1 })
  for (const [transform, input, code, message] of /** @type {[any, any, string, string][]} */ ([
    [verify, secret, 'ERR_INVALID_ARG_TYPE', `The "input" argument must be ${fields}. Received type string`],
    [verify, null, 'ERR_INVALID_ARG_TYPE', `The "input" argument must be ${fields}. Received null`],
    [verify, Buffer.from(secret), 'ERR_INVALID_ARG_TYPE', `must be ${fields}. Received an instance of Buffer`],
    [verify, [secret], 'ERR_INVALID_ARG_TYPE', `must be ${fields}. Received an instance of Array`],
    [verify, {}, 'ERR_INVALID_ARG_TYPE', 'The "input.password" property must be a string or an instance of'],
    [
      verify,
      { password: secret },
      'ERR_INVALID_ARG_TYPE',
      'The "input.hash" property must be of type string. Received undefined'
    ],
    [verify, { password: 12_345_678, hash }, 'ERR_INVALID_ARG_TYPE', 'DataView. Received type number'],
    [
      verify,
      { password: secret, hash: Buffer.from(hash) },
      'ERR_INVALID_ARG_TYPE',
      'The "input.hash" property must be of type string'
    ],
    [
      verify,
      { password: secret, hash, salt: '' },
      'ERR_INVALID_ARG_VALUE',
      "The property 'input.salt' is unknown. The properties are 'password', 'hash'"
    ],
    [
      verify,
      { password: secret, hash: `x${hash}` },
      'ERR_INVALID_ARG_VALUE',
      `The "input.hash" property is malformed: it does not start with '$'. It must be a PHC string of argon2`
    ],
    [seal, { aad: secret }, 'ERR_INVALID_ARG_TYPE', 'The "input.data" property must be a string or an instance of'],
    [seal, { data: '', aad: 1 }, 'ERR_INVALID_ARG_TYPE', 'The "input.aad" property must be'],
    [seal, { data: '', nonce: secret }, 'ERR_INVALID_ARG_TYPE', 'The "input.nonce" property must be an instance of'],
    [
      seal,
      { data: '', nonce: Buffer.alloc(11) },
      'ERR_OUT_OF_RANGE',
      'The "input.nonce" property must be 12 bytes long. Received 11 bytes'
    ],
    [open, { data: secret }, 'ERR_INVALID_ARG_TYPE', 'The "input.data" property must be an instance of'],
    [
      open,
      { data: key, nonce: key },
      'ERR_INVALID_ARG_VALUE',
      "The property 'input.nonce' is unknown. The properties are 'data', 'aad'"
    ],
    [
      seal,
      move({ data: key }, []),
      'ERR_INVALID_ARG_VALUE',
      'The "input" argument must not be moved if it has named fields'
    ],
    [seal, { data: move(key) }, 'ERR_INVALID_ARG_TYPE', 'The "input.data" property must be']
  ])) {
    const check = (/** @type {any} */ error) => {
      assert.equal(error.code, code, message)
      assert.ok(error instanceof (code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError))
      assert.ok(error.message.includes(message), error.message)
      assert.ok(!/a secret|12345678/.test(error.message), error.message)
      return true
    }
    await assert.rejects(own.run(transform, input), check)
    /** @type {any[]} */
    const [outcome] = await own.map(transform, [input], { settle: true })
    assert.equal(outcome.reason.code, code)
    assert.match(outcome.reason.message, /inputs\[0\]|input\.(hash|nonce)/)
  }
  for (const [received, make] of Object.entries(DETACHED)) {
    for (const [transform, input] of /** @type {[any, any][]} */ ([
      [seal, { data: make() }],
      [seal, { data: '', aad: make() }],
      [seal, { data: '', nonce: make() }],
      [verify, { password: make(), hash }]
    ])) {
      const message = new RegExp(`^The "input\\.\\w+" property must not be detached.*Received ${received}$`)
      await assert.rejects(own.run(transform, input), { code: 'ERR_INVALID_ARG_TYPE', message })
    }
  }
  const { running, queued, queuedBytes } = own.stats()
  assert.deepEqual([running, queued, queuedBytes], [0, 0, 0])
  await own.close()
})

test('the error of a field has the stack of the caller', async () => {
  const run = () => pool.run(seal, { data: 'x', nonce: Buffer.alloc(3) })
  await assert.rejects(run, ({ code, stack }) => code === 'ERR_OUT_OF_RANGE' && stack.includes('named-fields.test.js'))
})

test('the fields of a batch do not stay in the memory of later batches', async () => {
  const password = 'the password of a batch'
  await pool.map(verify, Array(20).fill({ password, hash: await hashed }))
  const reused = Array.from({ length: 8 }, () => PackedInputs.acquire(0))
  assert.ok(reused.every(({ bytes }) => !bytes.includes(password)))
})

test('properties are read once, and may run any code', async () => {
  let reads = 0
  const input = {
    get data() {
      reads++
      return 'text'
    }
  }
  assert.equal(String(await pool.run(open, await pool.run(seal, input))), 'text')
  assert.equal(String(await pool.run(open, (await pool.map(seal, [input]))[0])), 'text')
  assert.equal(reads, 2)
  const later = new Uint8Array(8)
  const detaching = {
    data: later,
    get aad() {
      structuredClone(later, { transfer: [later.buffer] })
      return undefined
    }
  }
  await assert.rejects(pool.run(seal, detaching), /"input.data" property must not be detached/)
  const throwing = {
    get data() {
      throw new Error('mine')
    }
  }
  await assert.rejects(pool.run(seal, throwing), /mine/)
  await assert.rejects(pool.map(seal, ['x', throwing]), { message: 'mine', index: 1 })
  const closing = new Pool({ threads: 1 })
  const closes = {
    get data() {
      closing.close()
      return 'text'
    }
  }
  await assert.rejects(closing.run(seal, closes), { code: 'ERR_OFFLOOP_CLOSED' })
  await closing.close()
})

test('the bytes of fields count towards maxQueueBytes', async () => {
  const own = new Pool({ threads: 1, maxQueueBytes: 1000 })
  const busy = own.run(seal, { data: Buffer.alloc(900), aad: 'x' })
  await assert.rejects(own.run(seal, { data: 'x', aad: Buffer.alloc(200) }), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  await busy
  const inputs = Array.from({ length: 20 }, () => ({ data: 'é'.repeat(100), aad: Buffer.alloc(300) }))
  assert.equal((await own.map(seal, inputs)).length, 20)
  await own.close()
})

test('large fields are copied in pieces, and an aborted copy is dropped', async () => {
  const own = new Pool({ threads: 1 })
  const abort = new AbortController()
  const running = own.run(seal, { data: Buffer.alloc(64 << 20), aad: Buffer.alloc(4 << 20) }, { signal: abort.signal })
  assert.ok(own.stats().queuedBytes >= 68 << 20)
  abort.abort()
  await assert.rejects(running, { name: 'AbortError' })
  const { running: count, queued, queuedBytes } = own.stats()
  assert.deepEqual([count, queued, queuedBytes], [0, 0, 0])
  const data = new Uint8Array(20 << 20)
  const detached = own.run(seal, { data, aad: 'x' })
  const waiting = own.map(seal, [{ data, aad: 'x' }], { settle: true })
  structuredClone(data, { transfer: [data.buffer] })
  await assert.rejects(detached, { code: 'ERR_INVALID_ARG_TYPE', message: /must not be detached/ })
  assert.match(/** @type {any} */ ((await waiting)[0]).reason.message, /must not be detached/)
  await own.close()
})

test('a wrong whole input is described, with the named fields', async () => {
  const key = Buffer.alloc(32, 1)
  const bytes = 'an instance of ArrayBuffer, SharedArrayBuffer, Buffer, TypedArray, or DataView'
  const properties = {
    seal: `a string or ${bytes}, or an object with the properties 'data', 'aad', 'nonce'`,
    open: `${bytes}, or an object with the properties 'data', 'aad'`
  }
  for (const name of /** @type {const} */ (['seal', 'open'])) {
    const transform = /** @type {any} */ (transforms[name]('aes-256-gcm', key))
    for (const [input, received] of [
      [5, 'type number (5)'],
      [null, 'null'],
      [[bytes], 'an instance of Array']
    ]) {
      await assert.rejects(pool.run(transform, input), {
        code: 'ERR_INVALID_ARG_TYPE',
        message: `The "input" argument must be ${properties[name]}. Received ${received}`
      })
    }
  }
})
