'use strict'

// What the page says of Fastify and Express is run: every block of JavaScript, and every value behind an arrow.

const assert = require('node:assert/strict')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { test } = require('node:test')
const { codeBlocks, root, runBlock } = require('../support/documents')

const blocks = codeBlocks('docs/frameworks.md').filter(({ info }) => info === 'js')
const db = { user: async (/** @type {string} */ id) => ({ id, name: `user ${id}` }) }

test('there is a block for each framework that is installed', () => {
  assert.deepEqual(
    blocks.map(({ where }) => where.split(',')[0]),
    ['Fastify', 'Express']
  )
})

for (const block of blocks) {
  test(`${block.path}: ${block.where}`, async () => {
    let checked = 0
    await runBlock(block, { require: createRequire(join(root, 'index.js')), db }, (found, said) => {
      checked++
      assert.deepEqual(found, said)
    })
    assert.ok(checked > 0, 'says nothing that could be checked')
  })
}
