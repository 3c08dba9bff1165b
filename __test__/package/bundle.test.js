'use strict'

// The published JavaScript, in which modules load at their first use (docs/internals/loading.md).

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { after, before, test } = require('node:test')
const { platform } = require('../../lib/native/platform')
const { root } = require('../../scripts/lib/process')
const { installPackage, node, project, remove } = require('../support/installed-package')
const { ALL_USES } = require('../support/first-uses')

/** @type {string} */
let folder
/** @type {string} */
let path
before(async () => {
  folder = await installPackage()
  path = project(folder, 'bundle', {})
})
after(() => remove(folder))

/** Runs a script in a new process and returns its output. @param {string} script */
async function output(script) {
  const { code, stdout, output } = await node(path, ['-e', script], { NODE_PATH: join(root, 'node_modules') })
  assert.equal(code, 0, output)
  return stdout.trim()
}

/** Clears Node's registry as test runners do. Addons stay loaded. */
const RESET = "for (const key of Object.keys(require.cache)) if (!key.endsWith('.node')) delete require.cache[key];"

/** Defines `files()`, which returns the loaded files of the package by path, and of other packages by name. */
const FILES = `const files = () => Object.keys(require.cache)
  .map(it => it.replaceAll('\\\\', '/').replace(/.*\\/node_modules\\/(offloop\\/)?/, '')).sort();`

const ADDON = `offloop-${platform()}`
const FIRST = ['index.js', 'lib/bundle.js', `${ADDON}/offloop.${platform()}.node`, `${ADDON}/package.json`].sort()

/** Files of the parts that a tiered cache needs. */
const LATER = ['cache', 'tier'].map(folder => `lib/${folder}.js`)

for (const [load, more] of /** @type {[string, string[]][]} */ ([
  ["require('offloop')", []],
  ["const { Pool, Cache } = require('offloop')", []],
  ["const { ...all } = require('offloop')", LATER],
  ["await import('offloop')", LATER]
])) {
  test(`${load} loads ${more.length + 1} of its files`, async () => {
    const script = `(async () => { ${FILES} ${load}; console.log(JSON.stringify(files())) })()`
    assert.deepEqual(JSON.parse(await output(script)), [...FIRST, ...more].sort())
  })
}

for (const [name, use] of Object.entries(ALL_USES)) {
  test(`${name} works as the first use, of two copies and of the first after the second`, async () => {
    const script = `(async () => {
      ${FILES}
      const works = async offloop => (${use})
      const first = { ...require('offloop') }
      ${RESET}
      const second = { ...require('offloop') }
      if (first.Pool === second.Pool) throw new Error('one copy')
      console.log(await works(second), await works(first))
    })()`
    assert.equal(await output(script), 'works works')
  })
}

test('fake timers installed between the load and the first use', async () => {
  const uses = Object.entries(ALL_USES).map(([name, use]) => `${JSON.stringify(name)}: () => (${use})`)
  const script = `(async () => {
    const offloop = require('offloop')
    require('node:test').mock.timers.enable()
    for (const [name, use] of Object.entries({ ${uses} })) if (await use() !== 'works') throw new Error(name)
    console.log('works')
  })()`
  assert.equal(await output(script), 'works')
})

test('the integrations use the modules of the exports', async () => {
  const script = `(async () => {
    ${FILES}
    const { Pool, Cache } = require('offloop')
    const pool = new Pool({ threads: 1, name: 'ours' })
    const app = require('fastify')()
    app.register(require('offloop/fastify'), { pool })
    await app.ready()
    if (app.offloop.pool !== pool) throw new Error('another pool')
    const { register } = require('prom-client')
    require('offloop/prometheus').collectMetrics({ pools: [pool], caches: { mine: new Cache({ max: 1 }) } })
    const text = await register.metrics()
    if (!/pool="ours"/.test(text) || !/cache="mine"/.test(text)) throw new Error(text)
    require('offloop/opentelemetry').observeMetrics({ pools: [pool] })
    console.log(files().filter(it => it === 'lib/bundle.js').length)
  })()`
  assert.equal(await output(script), '1')
})

test('a stack trace names the functions', async () => {
  const stack = await output(`
    const { Pool, pool } = require('offloop')
    try { new Pool({ threads: -1 }) } catch (error) { console.log(error.stack) }
    pool.run().catch(error => console.log(error.stack))`)
  assert.match(stack, / at new PoolState \(.*lib[\\/]bundle\.js:\d+:\d+\)/)
  assert.match(stack, / at new Pool \(.*lib[\\/]bundle\.js:\d+:\d+\)/)
  assert.match(stack, / at Pool\.run \(.*lib[\\/]bundle\.js:\d+:\d+\)/)
})
