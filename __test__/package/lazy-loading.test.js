'use strict'

// The modules that `require('offloop')` loads, which every program start pays for, and those that a first use loads.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const { lazy, lazyProperties } = require('../../lib/internal/lazy')
const { platform } = require('../../lib/native/platform')
const { run } = require('../../scripts/lib/process')
const { ALL_USES, FIRST_USES } = require('../support/first-uses')

const root = join(__dirname, '../..')

/** Modules that `require` loads: the addon, whose absence it reports, and the timers, before tests can fake them. */
const LOADED_BY_REQUIRE = [
  'index.js',
  'lib/internal/clock.js',
  'lib/internal/lazy.js',
  'lib/native/addon-files.js',
  'lib/native/index.js',
  'lib/native/library.js',
  `lib/native/offloop.${platform()}.node`,
  'lib/native/platform.js',
  'package.json'
]

/** Modules that few programs need, even of those that use the package: built-in names or paths. */
const RARE = [
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

/** Runs a script in a new process, with `offloop` loaded, and returns its output. @param {string} script */
async function output(script) {
  const { code, stdout, output } = await run(process.execPath, ['-e', script], { cwd: root, timeout: 60_000 })
  assert.equal(code, 0, output)
  return stdout.trim()
}

/**
 * Runs a script and returns the modules that were loaded when it called `report`.
 * @param {string} script
 * @returns {Promise<string[]>}
 */
async function loaded(script) {
  return JSON.parse(
    await output(`
      const before = new Set(process.moduleLoadList)
      const offloop = require('./index.js')
      const report = () => {
        const own = Object.keys(require.cache).map(it => it.slice(${root.length + 1}).replaceAll('\\\\', '/'))
        console.log(JSON.stringify([...process.moduleLoadList.filter(it => !before.has(it)), ...own]))
      }
      ${script}`)
  )
}

/** Returns the rarely needed modules that a script loads. @param {string} script */
async function rare(script) {
  return (await loaded(script)).filter(it => RARE.includes(it)).sort()
}

test('require loads the addon and little else', async () => {
  const own = (await loaded('report()')).filter(it => !it.startsWith('NativeModule ') && !it.startsWith('Internal'))
  assert.deepEqual(own.sort(), LOADED_BY_REQUIRE.sort())
})

test('common calls load no rarely needed modules', async () => {
  assert.deepEqual(await rare('Object.values(offloop); report()'), [])
  assert.deepEqual(await rare("new offloop.Cache({ max: 9 }).get('id', () => 1).then(report)"), [])
  assert.deepEqual(await rare("offloop.pool.run(offloop.transforms.digest('sha256'), 'text').then(report)"), [])
})

test('rarely needed modules are loaded on demand', async () => {
  const json = await rare('offloop.pool.run(offloop.transforms.json.stringify(), [1]).then(report)')
  assert.deepEqual(json, ['lib/json/writer.js'])
  const workerThread = await rare(
    "offloop.pool.run(offloop.transforms.worker('node:os', { export: 'cpus' }), 1).then(report)"
  )
  assert.ok(
    workerThread.includes('lib/worker/worker-thread.js') && workerThread.includes('NativeModule worker_threads'),
    String(workerThread)
  )
  const v8 = await rare("new offloop.Cache({ maxBytes: 999, storage: 'native' }).set('id', new Map()); report()")
  assert.deepEqual(v8, ['NativeModule v8'])
})

for (const [name, use] of Object.entries(ALL_USES)) {
  test(`${name} works as the first use`, async () => {
    const script = `const offloop = require('./index.js'); Promise.resolve(${use}).then(it => console.log(it))`
    assert.equal(await output(script), 'works')
  })
}

test('each export has a first use, and a name for import', async () => {
  const names = Object.keys(FIRST_USES).sort()
  assert.deepEqual(Object.keys(require('../..')).sort(), names)
  const found = await output(`import('./index.js').then(it => console.log(JSON.stringify(it, (key, value) =>
    key === '' ? Object.keys(value).filter(name => value[name] !== undefined) : value)))`)
  const imported = /** @type {string[]} */ (JSON.parse(found)).filter(it => it !== 'default' && it !== 'module.exports')
  assert.deepEqual(imported.sort(), names)
})

test('exports that are read before and after a test runner resets its modules belong together', async () => {
  const script = `
    const offloop = require('./index.js')
    const { pool } = offloop
    for (const key of Object.keys(require.cache)) if (!key.endsWith('.node')) delete require.cache[key]
    pool.run(offloop.transforms.identity(), 'works').then(it => console.log(String(it)))`
  assert.equal(await output(script), 'works')
})

test('no thread starts before the first task', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  const script = `
    const { readdirSync, readFileSync } = require('node:fs')
    const threads = () => readdirSync('/proc/self/task').length
    const own = () => readdirSync('/proc/self/task')
      .filter(id => readFileSync('/proc/self/task/' + id + '/comm', 'utf8').startsWith('offloop-')).length
    const counts = [threads()]
    const offloop = require('./index.js')
    counts.push(threads())
    const { Cache, Pool, transforms, pool } = offloop
    new Cache({ max: 9 }).set('id', 1)
    new Cache({ maxBytes: 999, storage: 'native' }).set('id', 1)
    new Pool({ threads: 2 })
    const all = [transforms.gzip(), transforms.json.parse(), transforms.json.stringify(), transforms.numeric.sort(),
      transforms.csv.parse(), transforms.worker('node:os'), transforms.chain(transforms.gzip(), transforms.gunzip())]
    counts.push(threads(), own())
    pool.run(all[0], '').then(() => console.log(JSON.stringify([...counts, own() > 0])))`
  const [before, required, used, own, hasStarted] = JSON.parse(await output(script))
  assert.deepEqual([required, used, own, hasStarted], [before, before, 0, true])
})

test('a lazy value is loaded once, at its first use', () => {
  let loads = 0
  const value = lazy(() => ({ loads: ++loads }))
  assert.equal(loads, 0)
  assert.equal(value(), value())
  assert.equal(loads, 1)
})

const ORDINARY = { writable: true, enumerable: true, configurable: true }

/** Returns lazy properties `a` and `b`, and the number of times that they were loaded. */
function lazyPair() {
  const count = { loads: 0 }
  /** @type {{ a: any, b: any }} */
  const object = lazyProperties(() => ({ a: ++count.loads, b: 'b' }), ['a', 'b'])
  return { object, count }
}

test('lazy properties are ordinary ones once one of them is read', () => {
  const { object, count } = lazyPair()
  assert.deepEqual([Object.keys(object), count.loads], [['a', 'b'], 0])
  assert.deepEqual([object.a, object.a, count.loads], [1, 1, 1])
  assert.deepEqual(Object.getOwnPropertyDescriptors(object), {
    a: { value: 1, ...ORDINARY },
    b: { value: 'b', ...ORDINARY }
  })
  assert.deepEqual({ ...lazyPair().object }, { a: 1, b: 'b' })
})

test('a lazy property may be assigned, deleted or replaced before another is read', () => {
  const assigned = lazyPair()
  assigned.object.b = 2
  assert.deepEqual(
    [Object.getOwnPropertyDescriptor(assigned.object, 'b'), assigned.count.loads],
    [{ value: 2, ...ORDINARY }, 0]
  )
  assert.deepEqual([assigned.object.a, assigned.object.b], [1, 2])
  const deleted = lazyPair().object
  delete deleted.b
  assert.deepEqual([deleted.a, Object.keys(deleted)], [1, ['a']])
  const replaced = lazyPair().object
  Object.defineProperty(replaced, 'b', { get: () => 3, configurable: true })
  assert.deepEqual([replaced.a, replaced.b], [1, 3])
})

test('an object that inherits lazy properties may have its own', () => {
  const { object } = lazyPair()
  const heir = Object.create(object)
  heir.b = 2
  assert.deepEqual([heir.b, object.b, heir.a], [2, 'b', 1])
})

test('lazy properties of a frozen object can be read and not assigned', () => {
  for (const restrict of [Object.freeze, Object.seal]) {
    const { object, count } = lazyPair()
    restrict(object)
    assert.throws(() => {
      object.a = 2
    }, TypeError)
    assert.deepEqual([object.a, object.b, object.a, count.loads], [1, 'b', 1, 1])
  }
})

test('properties that fail to load can be read again', () => {
  let fails = true
  const object = lazyProperties(() => {
    if (fails) throw new Error('absent')
    return { a: 1 }
  }, ['a'])
  assert.throws(() => object.a, /absent/)
  fails = false
  assert.equal(object.a, 1)
})
