'use strict'

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { test } = require('node:test')
const argon2 = require('@node-rs/argon2')
const bcrypt = require('@node-rs/bcrypt')
const { pool, transforms, move } = require('../..')

const { hashPassword, open, pbkdf2, seal, verifyPassword } = transforms
const bad = /** @type {any} */ (transforms)
const key = crypto.randomBytes(32)
const verify = (/** @type {string} */ hash, /** @type {string} */ password) =>
  pool.run(verifyPassword(), { password, hash })
const cheap = { memoryKiB: 64, iterations: 1 }

for (const cipher of /** @type {const} */ (['aes-256-gcm', 'chacha20-poly1305'])) {
  test(`${cipher} is compatible with node:crypto`, async () => {
    const aad = Buffer.from('user')
    for (const plain of ['', 'a secret', crypto.randomBytes(3_000_000)]) {
      const sealed = await pool.run(seal(cipher, key), { data: plain, aad })
      /** @type {any} */
      const decipher = crypto.createDecipheriv(/** @type {any} */ (cipher), key, sealed.subarray(0, 12), {
        authTagLength: 16
      })
      decipher.setAAD(aad)
      decipher.setAuthTag(sealed.subarray(-16))
      const opened = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
      assert.ok(opened.equals(Buffer.from(plain)))
      assert.ok((await pool.run(open(cipher, key), { data: sealed, aad })).equals(Buffer.from(plain)))
    }
    const nonce = crypto.randomBytes(12)
    const encipher = crypto.createCipheriv(/** @type {any} */ (cipher), key, nonce, { authTagLength: 16 })
    const expected = Buffer.concat([nonce, encipher.update('text'), encipher.final(), encipher.getAuthTag()])
    assert.deepEqual(await pool.run(seal(cipher, key), { data: 'text', nonce }), expected)
    assert.equal(String(await pool.run(open(cipher, key), move(expected))), 'text')
  })
}

test('rejects unauthentic data', async () => {
  const sealed = await pool.run(seal('aes-256-gcm', key), 'a secret')
  sealed[20] ^= 1
  await assert.rejects(pool.run(open('aes-256-gcm', key), sealed), {
    name: 'OffloopError',
    code: 'ERR_OFFLOOP_AUTHENTICATION',
    transform: 'open'
  })
  await assert.rejects(pool.run(open('aes-256-gcm', key), Buffer.from('too short')), {
    code: 'ERR_OFFLOOP_INVALID_DATA'
  })
})

test('factories throw for invalid keys and options', () => {
  assert.throws(() => seal('aes-256-gcm', key.subarray(1)), {
    name: 'RangeError',
    message: /32 bytes long. Received 31/
  })
  assert.throws(() => bad.seal('aes-256-gcm', key, { aad: key }), /'options.aad' is unknown\. There are no options/)
  assert.throws(() => bad.seal('aes-128-gcm', key), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => bad.seal('aes-256-gcm', 'a key as text'), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => bad.open('aes-256-gcm', key, { nonce: Buffer.alloc(12) }), /'options.nonce' is unknown/)
  assert.throws(() => hashPassword({ algorithm: 'bcrypt', memoryKiB: 64 }), /no meaning for bcrypt/)
  assert.throws(() => hashPassword({ memoryKiB: 1 }), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => bad.verifyPassword('$2b$'), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => pbkdf2('sha256', key, 0, 32), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => bad.pbkdf2('md5', key, 1, 32), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('argon2id is compatible with @node-rs/argon2', async () => {
  const defaultHash = await pool.run(hashPassword(), 'correct horse')
  assert.match(defaultHash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.ok(await argon2.verify(defaultHash, 'correct horse'))
  assert.ok(!(await argon2.verify(defaultHash, 'wrong horse')))
  const foreignHash = await argon2.hash('correct horse', { memoryCost: 64, timeCost: 1 })
  assert.equal(await verify(foreignHash, 'correct horse'), true)
  assert.equal(await verify(foreignHash, 'wrong horse'), false)
  assert.notEqual(await pool.run(hashPassword(cheap), 'x'), await pool.run(hashPassword(cheap), 'x'))
})

test('bcrypt is compatible with @node-rs/bcrypt', async () => {
  const ownHash = await pool.run(hashPassword({ algorithm: 'bcrypt', cost: 4 }), 'correct horse')
  assert.match(ownHash, /^\$2b\$04\$/)
  assert.ok(await bcrypt.verify('correct horse', ownHash))
  const foreignHash = await bcrypt.hash('correct horse', { cost: 4 })
  assert.equal(await verify(foreignHash, 'correct horse'), true)
  assert.equal(await verify(foreignHash, 'wrong horse'), false)
  await assert.rejects(pool.run(hashPassword({ algorithm: 'bcrypt', cost: 4 }), 'ö'.repeat(37)), {
    code: 'ERR_OFFLOOP_INVALID_DATA',
    message: /at most 72 bytes.*Received 74 bytes/
  })
})

test('scrypt and pbkdf2 equal those of node:crypto', async () => {
  const phc = await pool.run(hashPassword({ algorithm: 'scrypt', cost: 5 }), 'correct horse')
  const [, , params, salt, hash] = phc.split('$')
  assert.equal(params, 'ln=5,r=8,p=1')
  const expected = crypto.scryptSync('correct horse', Buffer.from(salt, 'base64'), 32, { N: 32, r: 8, p: 1 })
  assert.deepEqual(Buffer.from(hash, 'base64'), expected)
  assert.equal(await verify(phc, 'correct horse'), true)
  for (const digest of /** @type {const} */ (['sha1', 'sha256', 'sha512'])) {
    assert.deepEqual(
      await pool.run(pbkdf2(digest, key, 100, 50), 'pass'),
      crypto.pbkdf2Sync('pass', key, 100, 50, digest)
    )
  }
})

const salt = '......................'
const digest = 'LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm'

test('verifyPassword rejects unsupported bcrypt versions', async () => {
  for (const version of ['2a', '2b', '2y']) {
    const original = await bcrypt.hash('correct horse', { cost: 4 })
    const hash = original.replace(/^\$2\w\$/, `$${version}$`)
    assert.equal(await verify(hash, 'correct horse'), true, version)
    assert.equal(await verify(hash, 'wrong horse'), false, version)
  }
  for (const [version, message] of /** @type {const} */ ([
    ['2x', /faulty implementation.*\. Received version \$2x\$/],
    ['2', /NUL after the password.*\. Received version \$2\$/],
    ['2B', /one of the bcrypt versions.*\. Received another version/],
    ['2c', /one of the bcrypt versions.*\. Received another version/],
    ['2bb', /one of the bcrypt versions.*\. Received another version/]
  ])) {
    await assert.rejects(verify(`$${version}$04$${salt}${digest}`, ''), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message
    })
  }
})

test('rejects malformed bcrypt hashes without quoting them', async () => {
  for (const [hash, reason] of /** @type {const} */ ([
    [`$2b$04$${salt}${digest}.`, /60 characters.*Received 61/],
    [`$2b$04$${salt}`, /60 characters.*Received 29/],
    [`$2b$4$${salt}${digest}.`, /two-digit cost/],
    [`$2b$+5$${salt}${digest}`, /two-digit cost/],
    [`$2b$ 5$${salt}${digest}`, /two-digit cost/],
    [`$2b$03$${salt}${digest}`, /from 4 to 31.*Received 3/],
    [`$2b$99$${salt}${digest}`, /from 4 to 31.*Received 99/],
    [`$2b$04$${salt.slice(1)}+${digest}`, /base64/],
    [`$2b$04$${salt.slice(1)}/${digest}`, /bits at the end/],
    [`$2b$04$${salt}${digest.slice(0, -1)}n`, /bits at the end/]
  ])) {
    await assert.rejects(verify(hash, 'correct horse'), error => {
      const { code, message } = /** @type {any} */ (error)
      assert.equal(code, 'ERR_INVALID_ARG_VALUE', hash)
      assert.match(message, reason)
      assert.ok(!message.includes(salt.slice(1)))
      return true
    })
  }
})

test('verifyPassword, hashPassword and pbkdf2 limit the cost', async () => {
  const rest = 'YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g'
  for (const hash of [
    ...[19, 24, 31].map(cost => `$2b$${cost}$${salt}${digest}`),
    `$argon2id$v=19$m=4194304,t=5,p=1$${rest}`,
    `$argon2i$v=19$m=65536,t=1048576,p=64$${rest}`,
    `$argon2d$m=19456,t=1000000,p=1$${rest}`,
    `$scrypt$ln=22,r=8,p=2$${rest}`,
    `$scrypt$ln=21,r=8,p=64$${rest}`,
    `$scrypt$ln=20,r=64,p=1$${rest}`
  ]) {
    await assert.rejects(verify(hash, ''), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }, hash)
  }
  const message = /is out of range\. It must be <= \d+/
  assert.throws(() => hashPassword({ algorithm: 'bcrypt', cost: 19 }), { code: 'ERR_OUT_OF_RANGE', message: /<= 18/ })
  assert.throws(() => hashPassword({ memoryKiB: 4 << 20, iterations: 5 }), { code: 'ERR_OUT_OF_RANGE', message })
  assert.throws(() => hashPassword({ algorithm: 'scrypt', cost: 22, parallelism: 2 }), {
    code: 'ERR_OUT_OF_RANGE',
    message
  })
  hashPassword({ algorithm: 'scrypt', cost: 16, parallelism: 64 })
  assert.throws(() => pbkdf2('sha1', key, 2 ** 31 - 1, 20), { code: 'ERR_OUT_OF_RANGE', message })
  assert.throws(() => pbkdf2('sha512', key, 2 ** 20, 1 << 20), { code: 'ERR_OUT_OF_RANGE', message })
  pbkdf2('sha256', key, 2 ** 26, 32)
})

test('rejects hashes of unknown algorithms', async () => {
  for (const hash of [
    '$pbkdf2-sha256$i=1000$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g',
    '$yescrypt$j=1$YWJjZA$',
    '$1$salt$hash',
    '$6$rounds=9$salt$hash'
  ]) {
    await assert.rejects(verify(hash, ''), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /one of the algorithms .*\. Received another algorithm in a string of \d+ bytes/
    })
  }
  for (const hash of ['', 'password', '$ARGON2ID$v=19$m=16,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbQ']) {
    await assert.rejects(verify(hash, ''), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /must be a PHC string/
    })
  }
})

test('bcrypt rejects passwords with a NUL, which would match other passwords too', async () => {
  await assert.rejects(pool.run(hashPassword({ algorithm: 'bcrypt', cost: 4 }), 'a\0b'), {
    code: 'ERR_OFFLOOP_INVALID_DATA',
    message: /NUL/,
    offset: 1
  })
  // Existing hashes of such passwords can be verified.
  const foreignHash = await bcrypt.hash('a\0b', { cost: 4 })
  assert.equal(await verify(foreignHash, 'a\0b'), true)
  assert.equal(await verify(foreignHash, 'a'), false)
  const short = await bcrypt.hash('a', { cost: 4 })
  assert.equal(await verify(short, 'a\0a'), true)
  assert.equal(await verify(short, 'a\0b'), false)
  for (const algorithm of /** @type {const} */ (['argon2id', 'scrypt'])) {
    const options = algorithm === 'scrypt' ? { algorithm, cost: 4 } : { ...cheap, algorithm }
    const ownHash = await pool.run(hashPassword(options), 'a\0b')
    assert.equal(await verify(ownHash, 'a\0b'), true)
    assert.equal(await verify(ownHash, 'a'), false)
  }
})
