'use strict'

// Modules that `require('offloop')` loads, a cost of every program start.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const { run } = require('../../scripts/lib/process')

/** Modules that few programs need: built-in names or paths. */
const LAZY = [
  'NativeModule v8',
  'NativeModule worker_threads',
  'lib/json/writer.js',
  'lib/worker/module-runner.js',
  'lib/worker/script-runner.js',
  'lib/worker/batch-runner.js',
  'lib/worker/worker-thread.js',
  'lib/native/load-failure.js',
  'lib/native/load-reasons.js'
]

/**
 * Runs a script and returns the LAZY modules that it loaded.
 * @param {string} script
 */
async function loaded(script) {
  const root = join(__dirname, '../..')
  const program = `
    const before = new Set(process.moduleLoadList)
    const { Cache, pool, transforms } = require('./index.js')
    const report = () => {
      const own = Object.keys(require.cache).map(it => it.slice(${root.length + 1}).replaceAll('\\\\', '/'))
      console.log(JSON.stringify([...process.moduleLoadList.filter(it => !before.has(it)), ...own]))
    }
    ${script}`
  const { code, stdout, output } = await run(process.execPath, ['-e', program])
  assert.equal(code, 0, output)
  /** @type {string[]} */
  const all = JSON.parse(stdout)
  return all.filter(it => LAZY.includes(it)).sort()
}

test('lazy modules are not loaded by common calls', async () => {
  assert.deepEqual(await loaded('report()'), [])
  assert.deepEqual(await loaded("pool.run(transforms.digest('sha256'), 'text').then(report)"), [])
  assert.deepEqual(await loaded("new Cache({ max: 9 }).get('id', () => 1).then(report)"), [])
})

test('lazy modules are loaded on demand', async () => {
  assert.deepEqual(await loaded('pool.run(transforms.json.stringify(), [1]).then(report)'), ['lib/json/writer.js'])
  const workerThread = await loaded("pool.run(transforms.worker('node:os', { export: 'cpus' }), 1).then(report)")
  assert.ok(
    workerThread.includes('lib/worker/worker-thread.js') && workerThread.includes('NativeModule worker_threads'),
    String(workerThread)
  )
  const v8 = await loaded("new Cache({ maxBytes: 999, storage: 'native' }).set('id', new Map()); report()")
  assert.deepEqual(v8, ['NativeModule v8'])
})
