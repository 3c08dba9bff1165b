'use strict'

const assert = require('node:assert/strict')
const { readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { suite } = require('../support/conformance.js')

const { path, skip } = suite('json-syntax')

/** Whether V8 takes it, and what it makes of it. @param {Buffer} bytes */
function parsed(bytes) {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) }
  } catch {
    return undefined
  }
}

test('JSONTestSuite: minify takes what V8 takes', { skip }, async t => {
  let ran = 0
  for (const file of readdirSync(path, { recursive: true })
    .map(String)
    .filter(name => name.endsWith('.json'))) {
    const bytes = readFileSync(join(path, file))
    const expected = parsed(bytes)
    const [result] = await Promise.allSettled([pool.run(transforms.json.minify(), bytes)])
    assert.equal(result.status === 'fulfilled', expected !== undefined, file)
    if (result.status === 'fulfilled') assert.deepEqual(JSON.parse(String(result.value)), expected?.value, file)
    else assert.equal(result.reason.code, 'ERR_OFFLOOP_INVALID_DATA', file)
    ran++
  }
  t.diagnostic(`${ran} documents`)
  assert.ok(ran > 0)
})
