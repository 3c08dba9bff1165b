'use strict'

// The runtimes of the matrix and of the benchmarks.

const assert = require('node:assert/strict')
const { chmodSync, mkdirSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { test } = require('node:test')
const { platform } = require('../../lib/native/platform.js')
const { root } = require('../../scripts/lib/process.js')
const { NODE_LINES, RUNTIMES, installRuntime, lineOf, nodeOf } = require('../../scripts/lib/runtimes.js')

const skip = platform() === 'linux-x64-gnu' ? false : 'runtimes are installed only on linux-x64-gnu'
const RUNTIME = { name: `test-${process.pid}`, spec: 'offloop-test-runtime', binary: 'runtime/bin/runtime' }
const FOLDER = join(root, 'target', 'matrix', RUNTIME.name)

/**
 * Keeps npm from using the network.
 * @template T
 * @param {() => Promise<T>} work
 */
async function offline(work) {
  process.env.npm_config_offline = 'true'
  try {
    return await work()
  } finally {
    delete process.env.npm_config_offline
    rmSync(FOLDER, { recursive: true, force: true })
  }
}

test('the matrix has every line of Node.js', () => {
  const names = RUNTIMES.map(({ name }) => name)
  assert.deepEqual(
    names.filter(name => name.startsWith('node')),
    NODE_LINES.map(line => `node${line}`)
  )
  assert.deepEqual(NODE_LINES.toSorted(), NODE_LINES)
})

test('uses the running Node.js for its own line', async () => {
  assert.equal(await nodeOf(lineOf(process.versions.node)), process.execPath)
})

test('names a runtime that cannot be installed', { skip }, () =>
  offline(() => assert.rejects(installRuntime(RUNTIME), /^Error: offloop-test-runtime could not be installed:\n.*npm/s))
)

test('needs no network for an installed runtime', { skip }, () =>
  offline(async () => {
    const path = join(FOLDER, 'node_modules', RUNTIME.binary)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '#!/bin/sh\necho v1.2.3\n')
    chmodSync(path, 0o755)
    assert.deepEqual(await installRuntime(RUNTIME), { path, version: '1.2.3' })
  })
)
