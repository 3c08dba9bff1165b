'use strict'

// Runs every JavaScript block of the page about worker threads, in a folder with the modules that it names. The test of the package's
// types compiles the block in TypeScript.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { pool, transforms } = require('../..')
const { codeBlocks, runBlock } = require('../support/documents')

const [resizing, resizeModule, ...steps] = codeBlocks('docs/migrating.md').filter(({ info }) => info === 'js')
const BODY = '/* … */ }\n'

const folder = mkdtempSync(join(tmpdir(), 'offloop-docs-'))
after(() => rmSync(folder, { recursive: true }))
const REPORT = `const { parentPort, workerData } = require('node:worker_threads')
parentPort.postMessage('report of ' + workerData.year)`
for (const [name, content] of Object.entries({
  'resize.js': resizeModule.code.replace(BODY, 'return { path, width, isAborted: signal.aborted } }\n'),
  'report.js': REPORT,
  'report-function.js': `module.exports = ({ year }) => 'report of ' + year`
})) {
  writeFileSync(join(folder, name), content)
}
const own = createRequire(join(folder, 'index.js'))
const resolve = Object.assign((/** @type {string} */ name) => (name === 'offloop' ? require('../..') : own(name)), {
  resolve: own.resolve
})

test(resizing.where, async () => {
  const { signal } = new AbortController()
  const block = { ...resizing, code: `${resizing.code}check(small)\n` }
  /** @type {unknown[]} */
  const results = []
  await runBlock(block, { require: resolve, signal }, result => results.push(result))
  assert.deepEqual(results, [{ path: 'cat.jpg', width: 200, isAborted: false }])
})

for (const block of steps) {
  test(block.where, async () => {
    const names = { require: resolve, Worker, once, pool, transforms, year: 2026 }
    /** @type {unknown[]} */
    const results = []
    await runBlock({ ...block, code: `${block.code}check(report)\n` }, names, result => results.push(result))
    assert.deepEqual(results, ['report of 2026'])
  })
}
