'use strict'

// Runs every JavaScript block of the README.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { PassThrough } = require('node:stream')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')
const express = require('express')
const { codeBlocks, root, runBlock } = require('../support/documents')

/** Resolves `offloop` to this package. */
const packageRequire = createRequire(join(root, 'index.js'))
const [quickStart, recipes, ...others] = codeBlocks('README.md').filter(({ info }) => info === 'js')

test('the README has the tested blocks and is short', () => {
  assert.deepEqual(
    [quickStart, recipes].map(({ where }) => where.split(',')[0]),
    ['Quick start', 'Recipes']
  )
  assert.deepEqual(others, [])
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').trimEnd().split('\n').length <= 150)
})

test('the quick start compresses a report and stops when the client disconnects', async t => {
  const app = express()
  const rows = Array.from({ length: 1000 }, (_, id) => ({ id }))
  await runBlock(quickStart, { require: packageRequire, app, report: async () => rows }, assert.equal)
  const server = app.listen(0)
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const response = await fetch(`http://127.0.0.1:${port}/report`)
  assert.equal(response.headers.get('content-encoding'), 'gzip')
  assert.deepEqual(await response.json(), rows)
})

test('the recipes run', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-readme-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'resize.js'), 'module.exports = async ({ path, width }) => path + " at " + width')
  const require = Object.assign(
    (/** @type {string} */ name) => packageRequire(name),
    createRequire(join(folder, 'a.js'))
  )
  const upload = new PassThrough()
  upload.end('an upload')
  const names = { require, upload, path: join(folder, 'upload'), createWriteStream, body: gzipSync('[1, 2]') }
  const db = { user: async (/** @type {string} */ id) => ({ id }) }
  /** @type {unknown} */
  let results
  const code = `${recipes.code}done({ hashes, digest, data, user, thumbnail })`
  await runBlock(
    { ...recipes, code },
    { ...names, db, done: (/** @type {unknown} */ it) => (results = it) },
    assert.equal
  )
  const sha256 = (/** @type {string} */ text) => createHash('sha256').update(text).digest('hex')
  assert.deepEqual(results, {
    hashes: ['a', 'b', 'c'].map(sha256),
    digest: sha256('an upload'),
    data: [1, 2],
    user: { id: '42' },
    thumbnail: 'cat.jpg at 200'
  })
  assert.equal(readFileSync(join(folder, 'upload'), 'utf8'), 'an upload')
})
