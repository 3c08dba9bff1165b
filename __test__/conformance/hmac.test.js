'use strict'

const assert = require('node:assert/strict')
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const file = join(__dirname, '..', '..', '..', 'shared', 'conformance', 'aead-hmac', 'hmac_sha256_test.json')
const skip = !existsSync(file) && 'missing suite: ../shared/conformance/aead-hmac'

test('Wycheproof: HMAC-SHA-256', { skip }, async t => {
  let ran = 0
  for (const { tagSize, tests } of JSON.parse(readFileSync(file, 'utf8')).testGroups) {
    for (const { tcId, key, msg, tag, result } of tests) {
      const hmac = transforms.hmac('sha256', Buffer.from(key, 'hex'))
      const actual = (await pool.run(hmac, Buffer.from(msg, 'hex'))).subarray(0, tagSize / 8).toString('hex')
      assert.equal(actual === tag, result === 'valid', `case ${tcId}`)
      ran++
    }
  }
  t.diagnostic(`${ran} cases`)
  assert.ok(ran > 0)
})
