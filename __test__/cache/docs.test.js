'use strict'

// Runs every code block of the page about the cache and checks each value behind an arrow.

const assert = require('node:assert/strict')
const { existsSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { test } = require('node:test')
const { Cache } = require('../..')
const { codeBlocks, root, runBlock } = require('../support/documents')

const cachePage = codeBlocks('docs/cache.md').filter(({ info }) => info.startsWith('js'))

const user = async (/** @type {string} */ id) => ({ id, name: `user ${id}` })
const db = { user, users: (/** @type {string[]} */ ids) => Promise.all(ids.map(user)) }

/** The packages compared with are installed for the benchmarks alone. */
const bench = join(root, 'benchmarks', 'node_modules')
const peers = existsSync(bench) ? false : 'the packages of the benchmarks are not installed'

test('detects a block with a wrong result', async () => {
  const block = { where: '', info: 'js', path: 'a.md', line: 0, code: '1 + 1 // → 3\n' }
  await assert.rejects(runBlock(block, {}, assert.deepEqual), { code: 'ERR_ASSERTION' })
})

test('every block of the page is marked "before" or "after"', () => {
  assert.deepEqual([...new Set(cachePage.map(({ info }) => info))].sort(), ['js after', 'js before'])
})

for (const block of cachePage) {
  const isOurs = block.info !== 'js before'
  test(`${block.path}: ${block.where}`, { skip: isOurs ? false : peers }, async () => {
    const require = createRequire(join(isOurs ? root : bench, 'index.js'))
    const load = user
    let checked = 0
    await runBlock(block, { require, db, ...(isOurs ? { Cache, load } : {}) }, (actual, expected) => {
      checked++
      assert.deepEqual(actual, expected)
    })
    assert.ok(checked > 0, 'the block has no result to check')
  })
}
