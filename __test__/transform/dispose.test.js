'use strict'

const assert = require('node:assert/strict')
const { createHmac } = require('node:crypto')
const { inspect } = require('node:util')
const { test } = require('node:test')
const { Pool, occupy, transforms } = require('../support/fault-addon.js')
const native = /** @type {any} */ (require('../../lib/native'))
const { Transform } = require('../../lib/native/transform.js')

const key = Buffer.alloc(32, 7)
const CLOSED = { name: 'OffloopError', code: 'ERR_OFFLOOP_CLOSED', message: /disposed of/ }

/** Makers of the transforms that hold a secret. @type {Record<string, () => any>} */
const MAKERS = {
  seal: () => transforms.seal('aes-256-gcm', key),
  'seal, chacha20': () => transforms.seal('chacha20-poly1305', key),
  open: () => transforms.open('aes-256-gcm', key),
  hmac: () => transforms.hmac('sha256', key, { encoding: 'hex' }),
  pbkdf2: () => transforms.pbkdf2('sha256', key, 1, 32)
}

/** Returns the memory that holds the secret. @param {number} handle */
const stored = handle => native.storedSecret(handle)

for (const [name, make] of Object.entries(MAKERS)) {
  test(`${name}: a disposed key is zero, and its transform is closed`, async t => {
    const pool = new Pool({ threads: 1 })
    t.after(() => pool.close())
    const transform = make()
    const chain = transforms.chain(transform, transforms.identity())
    const mixed = transforms.chain(transforms.json.stringify(), transform)
    const handle = Transform.handle(transform)
    assert.deepEqual(stored(handle), key)
    assert.equal(transform[Symbol.dispose](), undefined)
    assert.deepEqual(stored(handle), Buffer.alloc(32))
    transform[Symbol.dispose]()
    await assert.rejects(pool.run(transform, key), CLOSED)
    await assert.rejects(pool.map(transform, [key, key]), CLOSED)
    await assert.rejects(pool.iterate(transform, [key]).next(), CLOSED)
    await assert.rejects(pool.run(chain, key), CLOSED)
    await assert.rejects(pool.map(chain, [key]), CLOSED)
    await assert.rejects(pool.run(mixed, 'x'), CLOSED)
    assert.throws(() => transforms.chain(transform, transforms.gzip()), CLOSED)
    if (transform.streaming) {
      assert.throws(() => pool.stream(transform), CLOSED)
      assert.throws(() => pool.collect(transform), CLOSED)
    }
    const sink = pool.each(transform)
    sink.on('error', () => {})
    sink.end(key)
    await assert.rejects(sink.result, CLOSED)
  })
}

test('an error names the transform and the caller', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const seal = transforms.seal('aes-256-gcm', key)
  seal[Symbol.dispose]()
  await assert.rejects(pool.run(seal, 'x'), error => {
    assert.equal(/** @type {any} */ (error).transform, 'seal')
    return /dispose\.test\.js/.test(/** @type {Error} */ (error).stack ?? '')
  })
  const call = /** @type {any} */ (seal)[Symbol.dispose]
  assert.throws(() => call.call({}), { code: 'ERR_INVALID_THIS' })
  assert.throws(() => call.call(undefined), { code: 'ERR_INVALID_THIS' })
})

test('other transforms hold no secret', () => {
  for (const transform of [
    transforms.gzip(),
    transforms.verifyPassword(),
    transforms.chain(MAKERS.seal(), transforms.gzip())
  ]) {
    assert.equal(Symbol.dispose in transform, false, inspect(transform))
    assert.equal(stored(Transform.handle(transform)), null)
  }
})

test('queued tasks reject, and other transforms of the key go on', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const [disposed, kept] = [MAKERS.hmac(), MAKERS.hmac()]
  const busy = occupy(pool)
  const queued = [pool.run(disposed, 'x'), pool.run(disposed, Buffer.alloc(5 << 20)), pool.run(kept, 'x')]
  disposed[Symbol.dispose]()
  await busy.release()
  const [first, second, third] = await Promise.allSettled(queued)
  for (const outcome of [first, second])
    assert.throws(() => {
      throw /** @type {any} */ (outcome).reason
    }, CLOSED)
  assert.equal(/** @type {any} */ (third).value, createHmac('sha256', key).update('x').digest('hex'))
})

test('a running task finishes with the whole key, or rejects', async t => {
  const pool = new Pool({ threads: 2 })
  t.after(() => pool.close())
  const input = Buffer.alloc(4 << 20, 1)
  const expected = createHmac('sha256', key).update(input).digest('hex')
  const plain = transforms.open('aes-256-gcm', key)
  for (let round = 0; round < 20; round++) {
    const [hmac, seal] = [MAKERS.hmac(), MAKERS.seal()]
    const tasks = Array.from({ length: 8 }, (_, index) => pool.run(index % 2 === 0 ? hmac : seal, input))
    // Some rounds dispose while the inputs are copied, others after the first result.
    if (round % 2 === 1) await Promise.race(tasks)
    hmac[Symbol.dispose]()
    seal[Symbol.dispose]()
    for (const [index, outcome] of (await Promise.allSettled(tasks)).entries()) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'ERR_OFFLOOP_CLOSED')
      else if (index % 2 === 0) assert.equal(outcome.value, expected)
      else assert.ok((await pool.run(plain, outcome.value)).equals(input))
    }
  }
})

test('an open stream ends at its next chunk', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close({ force: true }))
  for (const of of [
    /** @param {any} it */ it => it,
    /** @param {any} it */ it => transforms.chain(it, transforms.identity())
  ]) {
    const hmac = MAKERS.hmac()
    const sink = pool.collect(of(hmac))
    sink.on('error', () => {})
    await new Promise(resolve => sink.write('a', resolve))
    hmac[Symbol.dispose]()
    sink.end('b')
    await assert.rejects(sink.result, CLOSED)
  }
})
