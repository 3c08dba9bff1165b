'use strict'

// Runs every JavaScript block of the page about frameworks and checks each value behind an arrow.

const assert = require('node:assert/strict')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { test } = require('node:test')
const { codeBlocks, root, runBlock } = require('../support/documents')

const blocks = codeBlocks('docs/frameworks.md').filter(({ info }) => info === 'js')
const db = { user: async (/** @type {string} */ id) => ({ id, name: `user ${id}` }) }

test('the page has its blocks in this order', () => {
  assert.deepEqual(
    blocks.map(({ where }) => where.split(',')[0]),
    ['Fastify', 'Express', 'Koa', 'JSON bodies and gzip', 'JSON bodies and gzip', 'Shutdown without Fastify']
  )
})

for (const block of blocks) {
  test(`${block.path}: ${block.where}`, async () => {
    let checked = 0
    await runBlock(block, { require: createRequire(join(root, 'index.js')), db }, (actual, expected) => {
      checked++
      assert.deepEqual(actual, expected)
    })
    assert.ok(checked > 0, 'the block has no result to check')
  })
}
