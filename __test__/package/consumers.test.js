'use strict'

// The package packed, installed, and used by every kind of program.

const assert = require('node:assert/strict')
const { chmodSync, lstatSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { after, before, test } = require('node:test')
const { codeBlocks } = require('../support/documents')
const { WORK, installPackage, node, project, remove, assertWorks } = require('../support/installed-package')

const REQUIRE = "const { pool, transforms, Cache } = require('offloop')"
const IMPORT = "import { pool, transforms, Cache } from 'offloop'"
const COMMONJS = `${REQUIRE}\n;(async () => {${WORK}console.log(done)})()`

/** @type {string} */
let folder
before(async () => {
  folder = await installPackage()
})
after(() => remove(folder))

test('CommonJS', async () => {
  await assertWorks(project(folder, 'cjs', { 'main.cjs': COMMONJS }), ['main.cjs'])
})

test('ESM: named and default exports', async () => {
  const main = `${IMPORT}\nimport offloop, * as all from 'offloop'
    if (offloop.pool !== pool || all.Cache !== Cache || offloop.OffloopError !== all.OffloopError) throw new Error('differ')
    ${WORK}console.log(done)`
  await assertWorks(project(folder, 'esm', { 'main.mjs': main }), ['main.mjs'])
})

test('ESM: import() and require() return the same objects', async () => {
  const main = `${REQUIRE}\n;(async () => {
    if ((await import('offloop')).pool !== pool) throw new Error('differ')
    ${WORK}console.log(done)})()`
  await assertWorks(project(folder, 'both', { 'main.cjs': main }), ['main.cjs'])
})

test('worker threads share a pool and a cache with the main thread', async () => {
  const main = `
    import { Worker, isMainThread, workerData } from 'node:worker_threads'
    import { once } from 'node:events'
    ${IMPORT}
    const shared = new Cache({ maxBytes: 1 << 20, name: 'shared' })
    if (isMainThread) {
      shared.set('from', 'main')
      await once(new Worker(new URL(import.meta.url), { workerData: 'worker' }), 'exit')
      if (shared.peek('from') !== 'worker') throw new Error('not shared')
    } else {
      if (shared.peek('from') !== 'main') throw new Error('not shared')
      shared.set('from', workerData)
    }
    ${WORK}
    if (isMainThread) console.log(done)`
  await assertWorks(project(folder, 'workers', { 'main.mjs': main }), ['main.mjs'])
})

test('in a path with spaces, quotes and non-ASCII letters', async () => {
  const path = project(folder, "it's a “päth” – 経路 #1 %41", {
    'main.cjs': COMMONJS,
    'main.mjs': `${IMPORT}\n${WORK}console.log(done)`
  })
  await assertWorks(path, ['main.cjs'])
  await assertWorks(path, ['main.mjs'])
})

test('in a read-only folder, without writing to it', async t => {
  const path = project(folder, 'read-only', { 'main.cjs': COMMONJS })
  const before = state(path)
  for (const name of before.keys()) chmodSync(join(path, name), lstatSync(join(path, name)).mode & ~0o222)
  // Makes the folder removable.
  t.after(() => {
    for (const name of before.keys()) chmodSync(join(path, name), 0o755)
  })
  await assertWorks(path, ['main.cjs'])
  assert.deepEqual(state(path), before)
})

/** Lists the entries of a folder with sizes and times. @param {string} path */
function state(path) {
  const names = ['.', .../** @type {string[]} */ (readdirSync(path, { recursive: true }))].sort()
  return new Map(
    names.map(name => {
      const { mtimeMs, size } = lstatSync(join(path, name))
      return [name, `${size} bytes, ${mtimeMs}`]
    })
  )
}

const [start] = codeBlocks('README.md').filter(({ info, where }) => info === 'js' && where.startsWith('Quick start,'))

test('the quick start of the README', { skip: start === undefined && 'README.md has no "Quick start"' }, async () => {
  const path = project(folder, 'readme', { 'main.cjs': `const app = { get() {} }\n${start.code}` })
  const { code, output } = await node(path, ['main.cjs'])
  assert.equal(code, 0, output)
})
