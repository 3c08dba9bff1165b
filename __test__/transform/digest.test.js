'use strict'

const assert = require('node:assert/strict')
const { createHash, createHmac, randomBytes } = require('node:crypto')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

/** Algorithms that node:crypto has too. */
const NODE = /** @type {const} */ (['sha1', 'sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512', 'md5'])
const SIZES = [0, 1, 55, 56, 63, 64, 65, 1000, 65_537, 3_000_000]

for (const algorithm of NODE) {
  test(`${algorithm} equals that of node:crypto for every size and encoding`, async () => {
    for (const size of SIZES) {
      const input = randomBytes(size)
      const hash = () => createHash(algorithm).update(input)
      assert.deepEqual(await pool.run(transforms.digest(algorithm), input), hash().digest())
      for (const encoding of /** @type {const} */ (['hex', 'base64', 'base64url'])) {
        assert.equal(await pool.run(transforms.digest(algorithm, { encoding }), input), hash().digest(encoding))
      }
    }
  })
}

/** Published values: the BLAKE3 test vectors, the xxHash specification's sanity checks, the CRC catalogue. */
const KNOWN = /** @type {const} */ ([
  ['blake3', '', 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  ['blake3', 'abc', '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85'],
  ['xxh3-64', '', '2d06800538d394c2'],
  ['xxh3-128', '', '99aa06d3014798d86001c324468d497f'],
  ['crc32', '123456789', 'cbf43926'],
  ['crc32', '', '00000000']
])

for (const [algorithm, input, expected] of KNOWN) {
  test(`${algorithm} of '${input}' equals the published value`, async () => {
    assert.equal(await pool.run(transforms.digest(algorithm, { encoding: 'hex' }), input), expected)
  })
}

test('hmac equals that of node:crypto for every key length', async () => {
  for (const algorithm of /** @type {const} */ (['sha1', 'sha256', 'sha384', 'sha512'])) {
    for (const length of [0, 1, 64, 128, 129, 1000]) {
      const key = randomBytes(length)
      const input = randomBytes(10_000)
      const expected = createHmac(algorithm, key).update(input)
      const hex = expected.digest('hex')
      assert.equal(await pool.run(transforms.hmac(algorithm, key, { encoding: 'hex' }), input), hex)
    }
  }
  const withText = await pool.run(transforms.hmac('sha256', 'Schlüssel'), 'text')
  assert.deepEqual(withText, createHmac('sha256', 'Schlüssel').update('text').digest())
})

test('hmac copies its key', async () => {
  const key = randomBytes(32)
  const expected = createHmac('sha256', key).update('x').digest()
  const hmac = transforms.hmac('sha256', key)
  key.fill(0)
  assert.deepEqual(await pool.run(hmac, 'x'), expected)
  const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(1)
  const views = [shared, shared.buffer, new DataView(shared.buffer), new Uint32Array(shared.buffer)]
  for (const view of views) {
    const ones = createHmac('sha256', Buffer.alloc(4, 1)).update('x').digest()
    assert.deepEqual(await pool.run(transforms.hmac('sha256', view), 'x'), ones)
  }
})

test('factories throw for invalid arguments without revealing a key', () => {
  const { digest, hmac } = /** @type {any} */ (transforms)
  assert.throws(() => digest('sha257'), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"algorithm" argument must be one of 'sha1', 'sha256'.*Received 'sha257'/
  })
  assert.throws(() => digest(), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => digest('sha256', 'hex'), { code: 'ERR_INVALID_ARG_TYPE', message: /"options" argument/ })
  assert.throws(() => digest('sha256', { encoding: 'latin1' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => hmac('sha256'), { code: 'ERR_INVALID_ARG_TYPE', message: /"key" argument/ })
  assert.throws(
    () => hmac('md5', 'secret'),
    error => !/secret/.test(String(error))
  )
  assert.throws(() => hmac('sha256', { secret: 1 }), { code: 'ERR_INVALID_ARG_TYPE' })
})
