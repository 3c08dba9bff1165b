'use strict'

// The package with third-party bundlers and test runners.

const assert = require('node:assert/strict')
const { mkdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { after, before, test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { build } = require('esbuild')
const webpack = require('webpack')
const { tool } = require('../../scripts/lib/process')
const { codeBlocks } = require('../support/documents')
const { OUTPUT, WORK, installPackage, node, project, remove, assertWorks } = require('../support/installed-package')

const IMPORT = "import { pool, transforms, Cache } from 'offloop'"
const MAIN = `${IMPORT}\n;(async () => {${WORK}console.log(done)})()`

/** @type {string} */
let folder
before(async () => {
  folder = await installPackage()
})
after(() => remove(folder))

for (const options of /** @type {import('esbuild').BuildOptions[]} */ ([
  {},
  { minify: true, keepNames: true },
  { target: 'node16' }
])) {
  test(`esbuild, to CommonJS: ${JSON.stringify(options)}`, async () => {
    const path = project(folder, 'esbuild-cjs', { 'main.js': MAIN })
    const entry = {
      absWorkingDir: path,
      entryPoints: ['main.js'],
      bundle: true,
      platform: /** @type {const} */ ('node')
    }
    await build({ ...entry, external: ['offloop'], format: 'cjs', outfile: join(path, 'out/main.cjs'), ...options })
    assertExternal(join(path, 'out/main.cjs'))
    await assertWorks(path, ['out/main.cjs'])
  })
}

test('esbuild, to ESM, as documented', async () => {
  const esbuild = `import * as esbuild from ${JSON.stringify(pathToFileURL(require.resolve('esbuild')))}\n`
  const path = project(folder, 'esbuild-esm', { 'main.js': MAIN, 'build.mjs': esbuild + documented('esbuild') })
  const { code, output } = await node(path, ['build.mjs'])
  assert.equal(code, 0, output)
  assertExternal(join(path, 'main.mjs'))
  await assertWorks(path, ['main.mjs'])
})

test('a worker function fails with the remedy if the package was bundled too', async () => {
  const call = "pool.run(transforms.worker('./shout.cjs'), 'a').catch(error => console.log(error.message))"
  const path = project(folder, 'esbuild-inside', { 'main.js': `${IMPORT}\n${call}` })
  await build({
    absWorkingDir: path,
    entryPoints: ['main.js'],
    bundle: true,
    platform: 'node',
    external: ['*.node', 'offloop-*'],
    outfile: join(path, 'main.cjs')
  })
  const { code, output } = await node(path, ['main.cjs'])
  assert.equal(code, 0, output)
  assert.match(output, /worker-main\.js of offloop is missing\. When you bundle, keep offloop external$/m)
})

test('webpack, as documented', async () => {
  const path = project(folder, 'webpack', { 'main.js': MAIN, 'webpack.config.js': documented('webpack') })
  const config = require(join(path, 'webpack.config.js'))
  const stats = await new Promise((resolve, reject) => {
    webpack({ context: path, ...config }, (error, stats) => (error ? reject(error) : resolve(stats)))
  })
  assert.equal(stats.hasErrors(), false, stats.toString())
  assertExternal(join(path, 'main.cjs'))
  await assertWorks(path, ['main.cjs'])
})

/** Returns the documented options of a bundler. @param {string} bundler */
function documented(bundler) {
  const blocks = codeBlocks('docs/compatibility.md').filter(({ info }) => info === 'js')
  return blocks.find(({ code }) => code.startsWith(`// ${bundler}\n`))?.code ?? ''
}

/** Asserts that a bundle imports the package and does not contain it. @param {string} file */
function assertExternal(file) {
  const text = readFileSync(file, 'utf8')
  assert.match(text, /(require\(|from ?)["']offloop["']/)
  assert.doesNotMatch(text, /ERR_OFFLOOP_NO_BINDING/)
}

/** Returns a test file. @param {string} opening imports of the runner and the package */
const testFile = (opening = '') => `${opening}\ntest('works', async () => {
  ${WORK}
  if (done !== '${OUTPUT}') throw new Error(done)
  const abort = new AbortController()
  const aborted = pool.run(transforms.identity(), new Uint8Array(8), { signal: abort.signal })
  abort.abort()
  const error = await aborted.catch(error => error)
  if (error.name !== 'AbortError') throw error
  const corrupt = await pool.run(transforms.gunzip(), Buffer.from('x')).catch(error => error)
  if (corrupt.code !== 'ERR_OFFLOOP_INVALID_DATA' || !(corrupt instanceof OffloopError)) throw corrupt
})`
const REQUIRE = "const { pool, transforms, Cache, OffloopError } = require('offloop')"

test('node:test', async () => {
  const path = project(folder, 'node-test', {
    'work.test.cjs': testFile(`${REQUIRE}\nconst { test } = require('node:test')`)
  })
  const { code, output } = await node(path, ['--test', '--test-reporter=tap', 'work.test.cjs'])
  assert.equal(code, 0, output)
  assert.match(output, /^# pass 1$/m)
})

/** Features that hang if the event loop stops or a clock is frozen. */
const TIMER_TEST = `
const { pipeline } = require('node:stream/promises')
test('settles under fake timers', async () => {
  const large = Buffer.alloc(3 << 20, 'large ')
  const records = Array.from({ length: 50_000 }, (_, id) => ({ id, name: 'name of ' + id }))
  await pool.run(transforms.gzip(), large)
  await pool.map(transforms.gzip(), [large, 'small', large])
  const text = await pool.run(transforms.json.stringify(), records)
  await pool.run(transforms.json.parse(), text)
  await pool.ready()
  await pool.map(transforms.worker('./shout.cjs'), ['a', 'b'])
  const sink = pool.collect(transforms.digest('sha256'))
  await pipeline([large, large], pool.stream(transforms.gzip()), sink)
  await sink.result
  await new Promise(resolve => {
    const cache = new Cache({ max: 1, onEvict: resolve })
    cache.set('a', 1)
    cache.set('b', 2)
  })
  const stuck = new Cache({ max: 1, loadTimeout: 10, load: () => new Promise(() => {}) })
  const error = await stuck.get('a').catch(error => error)
  if (error.name !== 'TimeoutError') throw error
})`

test('vitest, fake timers installed before and after the package', async () => {
  const requireIt = `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n${REQUIRE}`
  const fakes = 'vi.useFakeTimers()'
  const path = project(folder, 'vitest-timers', {
    'before.test.js': `${requireIt.replace(REQUIRE, '')}\n${fakes}\n${REQUIRE}\n${TIMER_TEST}`,
    'after.test.js': `${requireIt}\n${fakes}\n${TIMER_TEST}`
  })
  const { code, output } = await node(path, [tool('vitest'), 'run', '--globals'], { NO_COLOR: '1' })
  assert.equal(code, 0, output)
  assert.match(output, /Tests +2 passed/)
})

test('jest, fake timers installed before and after the package', async () => {
  const fakes = 'jest.useFakeTimers()'
  const legacy = 'jest.useFakeTimers({ legacyFakeTimers: true })'
  const path = project(folder, 'jest-timers', {
    'before.test.js': `${fakes}\n${REQUIRE}\n${TIMER_TEST}`,
    'after.test.js': `${REQUIRE}\n${fakes}\n${TIMER_TEST}`,
    'legacy.test.js': `${legacy}\n${REQUIRE}\n${TIMER_TEST}`
  })
  mkdirSync(join(path, 'cache'))
  const args = ['--ci', '--rootDir', path, '--cacheDirectory', join(path, 'cache')]
  const { code, output } = await node(path, [tool('jest'), ...args])
  assert.equal(code, 0, output)
  assert.match(output, /Tests: +3 passed/)
})

test('vitest', async () => {
  const opening = "import { pool, transforms, Cache, OffloopError } from 'offloop'"
  const path = project(folder, 'vitest', { 'work.test.js': testFile(opening) })
  for (const threads of ['forks', 'threads']) {
    const { code, output } = await node(path, [tool('vitest'), 'run', '--globals', `--pool=${threads}`], {
      NO_COLOR: '1'
    })
    assert.equal(code, 0, output)
    assert.match(output, /Tests +1 passed/)
  }
})

test('jest', async () => {
  const path = project(folder, 'jest', { 'work.test.js': testFile(REQUIRE) })
  mkdirSync(join(path, 'cache'))
  const args = ['--ci', '--rootDir', path, '--cacheDirectory', join(path, 'cache')]
  const { code, output } = await node(path, [tool('jest'), ...args])
  assert.equal(code, 0, output)
  assert.match(output, /Tests: +1 passed/)
})

test('jest, which resets its modules between a load and the first use', async () => {
  const path = project(folder, 'jest-reset', {
    'reset.test.js': `
      const offloop = require('offloop')
      const { OffloopError } = offloop
      test('works', async () => {
        jest.resetModules()
        const second = require('offloop')
        if (second.OffloopError === OffloopError) throw new Error('one copy')
        for (const { pool, transforms, Cache, Sink, OffloopError } of [second, offloop]) {
          ${WORK}
          if (done !== '${OUTPUT}') throw new Error(done)
          const corrupt = await pool.run(transforms.gunzip(), Buffer.from('x')).catch(error => error)
          if (!(corrupt instanceof OffloopError)) throw corrupt
          const sink = pool.collect(transforms.gzip())
          if (!(sink instanceof Sink)) throw new Error('a sink of the other copy')
          sink.end('text')
          await sink.result
        }
      })`
  })
  mkdirSync(join(path, 'cache'))
  const args = ['--ci', '--rootDir', path, '--cacheDirectory', join(path, 'cache')]
  const { code, output } = await node(path, [tool('jest'), ...args])
  assert.equal(code, 0, output)
  assert.match(output, /Tests: +1 passed/)
})
