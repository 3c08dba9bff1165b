'use strict'

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { suite } = require('../support/conformance.js')

const { path, skip } = suite('aead-hmac', 'aes_gcm_test.json')
const hex = (/** @type {string} */ text) => Buffer.from(text, 'hex')

test('Wycheproof: AES-256-GCM', { skip }, async t => {
  let ran = 0
  for (const { keySize, ivSize, tagSize, tests } of JSON.parse(readFileSync(path, 'utf8')).testGroups) {
    if (keySize !== 256 || ivSize !== 96 || tagSize !== 128) continue
    for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
      const message = { data: hex(msg), aad: hex(aad), nonce: hex(iv) }
      const sealed = Buffer.concat([hex(iv), hex(ct), hex(tag)])
      const opened = pool.run(transforms.open('aes-256-gcm', hex(key)), { data: sealed, aad: hex(aad) })
      if (result === 'valid') {
        assert.equal((await opened).toString('hex'), msg, `case ${tcId}`)
        const actual = await pool.run(transforms.seal('aes-256-gcm', hex(key)), message)
        assert.deepEqual(actual, sealed, `case ${tcId}`)
      } else {
        await assert.rejects(opened, { code: 'ERR_OFFLOOP_AUTHENTICATION' }, `case ${tcId}`)
      }
      ran++
    }
  }
  t.diagnostic(`${ran} cases`)
  assert.ok(ran > 0)
})
