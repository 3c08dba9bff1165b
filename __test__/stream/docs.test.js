'use strict'

// Runs every block of the page about streams and checks each value behind an arrow.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { codeBlocks, root, runBlock } = require('../support/documents')

const blocks = codeBlocks('docs/streams.md')

for (const block of blocks) {
  test(`${block.path}: ${block.where}`, async t => {
    const directory = mkdtempSync(join(tmpdir(), 'offloop-docs-'))
    t.after(() => rmSync(directory, { recursive: true }))
    const log = join(directory, 'access.log')
    writeFileSync(log, 'GET /\n')
    let checked = 0
    await runBlock(block, { require: createRequire(join(root, 'index.js')), log }, (actual, expected) => {
      checked++
      assert.deepEqual(actual, expected)
    })
    assert.ok(checked > 0, 'the block has no result to check')
  })
}
