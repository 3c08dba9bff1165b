'use strict'

// Test runners and hot reloaders reset the module registry, and a process then holds several copies of the package.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, test } = require('node:test')
const { run } = require('../../scripts/lib/process')

const root = join(__dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'offloop-reset-'))
after(() => rmSync(folder, { recursive: true }))

/** Forgets every module of the package, the addon too. */
const RESET = `
  function load() {
    for (const file of Object.keys(require.cache)) if (file.startsWith(ROOT)) delete require.cache[file]
    module.children.length = 0
    return require(ROOT)
  }`

/** @param {string} code */
async function runScript(code) {
  const script = join(folder, 'main.js')
  writeFileSync(script, `const ROOT = ${JSON.stringify(root)}\n${RESET}\n${code}`)
  const { stdout, output } = await run(process.execPath, ['--expose-gc', script])
  assert.notEqual(stdout, '', output)
  return JSON.parse(stdout)
}

test('copies of the package that were replaced are collected', async () => {
  const alive = await runScript(`
    (async () => {
      const copies = []
      for (let count = 0; count < 8; count++) {
        const copy = load()
        await copy.pool.run(copy.transforms.gzip(), 'text')
        copies.push(new WeakRef(copy))
      }
      // The first copy stays: its completion port serves the thread.
      const replaced = copies.slice(1, -1)
      for (let count = 0; count < 100 && replaced.some(copy => copy.deref()); count++) {
        await new Promise(resolve => setImmediate(resolve))
        gc()
      }
      console.log(JSON.stringify(replaced.filter(copy => copy.deref()).length))
    })()`)
  assert.equal(alive, 0)
})

test('pools, caches and streams of another copy are refused with the reason', async () => {
  const messages = await runScript(`
    const first = load()
    const pool = new first.Pool({ threads: 1 })
    const { gzip } = first.transforms
    const [sink, duplex] = [pool.collect(gzip()), pool.stream(gzip())]
    const cache = new first.Cache({ max: 1 })
    const second = load()
    const { collectMetrics } = require(ROOT + '/prometheus.js')
    const offloop = require(ROOT + '/fastify.js')
    const instance = { addHook() {}, decorate() {}, decorateReply() {} }
    const attempts = [
      () => collectMetrics({ pools: { pool } }),
      () => collectMetrics({ caches: { cache } }),
      () => collectMetrics({ streams: { sink } }),
      () => collectMetrics({ streams: { duplex } }),
      () => offloop(instance, { pool }),
      () => offloop(instance, { caches: { cache } }),
      () => second.Cache.prototype.peek.call(cache, 'a'),
      () => second.Pool.prototype.stats.call(pool)
    ]
    Promise.allSettled(attempts.map(async attempt => attempt())).then(results => {
      console.log(JSON.stringify(results.map(({ reason }) => [reason?.code, reason?.message])))
      process.exit()
    })`)
  assert.equal(messages.length, 8)
  for (const [code, message] of messages) {
    assert.match(code, /^ERR_INVALID_(ARG_TYPE|THIS)$/)
    assert.match(message, /Received an instance of \w+ of another copy of offloop/)
  }
})

test('objects of another copy are refused with the reason', async () => {
  const messages = await runScript(`
    const first = load()
    const { gzip, json } = first.transforms
    const moved = first.move(new ArrayBuffer(8))
    const transforms = [gzip(), json.stringify(), first.transforms.chain(gzip(), gzip())]
    const { pool, transforms: { gunzip } } = load()
    const attempts = [...transforms.map(transform => pool.run(transform, 'text')), pool.run(gunzip(), moved)]
    Promise.allSettled(attempts).then(results => {
      console.log(JSON.stringify(results.map(({ reason }) => [reason?.code, reason?.message])))
    })`)
  assert.equal(messages.length, 4)
  for (const [code, message] of messages) {
    assert.equal(code, 'ERR_INVALID_ARG_TYPE')
    assert.match(message, /Received an instance of \w+ of another copy of offloop$/)
  }
})
