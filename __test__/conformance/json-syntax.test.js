'use strict'

const assert = require('node:assert/strict')
const { readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { suite } = require('../support/conformance.js')

const { path, skip } = suite('json-syntax')

/** Returns V8's value, or undefined if V8 rejects the bytes. @param {Buffer} bytes */
function parsed(bytes) {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) }
  } catch {
    return undefined
  }
}

/**
 * Compares a transform with V8 on all documents.
 * @param {import('node:test').TestContext} t
 * @param {import('../..').PoolTransform<import('../..').BytesOrText, any>} transform
 * @param {(result: any) => unknown} read
 */
async function compare(t, transform, read) {
  let ran = 0
  for (const file of readdirSync(path, { recursive: true })
    .map(String)
    .filter(name => name.endsWith('.json'))) {
    const bytes = readFileSync(join(path, file))
    const expected = parsed(bytes)
    const [result] = await Promise.allSettled([pool.run(transform, bytes)])
    assert.equal(result.status === 'fulfilled', expected !== undefined, file)
    if (result.status === 'fulfilled') assert.deepEqual(read(result.value), expected?.value, file)
    else {
      assert.equal(result.reason.code, 'ERR_OFFLOOP_INVALID_DATA', file)
      assert.equal(typeof result.reason.offset, 'number', file)
    }
    ran++
  }
  t.diagnostic(`${ran} documents`)
  assert.ok(ran > 0)
}

test('JSONTestSuite: minify accepts the same documents as V8', { skip }, t =>
  compare(t, transforms.json.minify(), bytes => JSON.parse(String(bytes)))
)

test('JSONTestSuite: parse accepts the same documents as V8 and returns the same values', { skip }, t =>
  compare(t, transforms.json.parse(), value => value)
)

test('JSONTestSuite: parse of decoded text returns the same values as V8', { skip }, async t => {
  let ran = 0
  for (const file of readdirSync(path, { recursive: true })
    .map(String)
    .filter(name => name.endsWith('.json'))) {
    const text = readFileSync(join(path, file), 'utf8')
    /** @type {{ value: unknown } | undefined} */
    let expected
    try {
      expected = { value: JSON.parse(text) }
    } catch {}
    const [result] = await Promise.allSettled([pool.run(transforms.json.parse(), text)])
    assert.deepEqual(result.status === 'fulfilled' ? { value: result.value } : undefined, expected, file)
    ran++
  }
  t.diagnostic(`${ran} documents`)
  assert.ok(ran > 0)
})
