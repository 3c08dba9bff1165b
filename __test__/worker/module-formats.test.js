'use strict'

// Module formats and specifiers of user functions.

const assert = require('node:assert/strict')
const { mkdirSync, mkdtempSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join, relative } = require('node:path')
const { test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { Pool, pool, transforms } = require('../..')
const { node } = require('../support/child.js')
const { fixture } = require('../support/worker.js')

const root = join(__dirname, '..', '..')
const esm = fixture('module.mjs')

test('without a default export the only function runs, apart from dispose', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-only-'))
  const file = (/** @type {string} */ name, /** @type {string} */ text) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const only = [
    file('only.cjs', 'module.exports = { double: x => x * 2, factor: 2, dispose() {} }'),
    file('only.mjs', 'export const double = x => x * 2; export function dispose() {}')
  ]
  for (const path of only) assert.equal(await pool.run(transforms.worker(path), 4), 8)
  const several = [
    file('several.cjs', 'module.exports = { a: x => x, b: x => [x] }'),
    file(
      'several.mjs',
      'export const a = x => x; export const b = x => [x]; export const c = 1; export function dispose() {}'
    )
  ]
  for (const path of several) {
    await assert.rejects(pool.run(transforms.worker(path), 4), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /exports no function as 'default'\. Its functions are 'a', 'b'; pass \{ export \} to choose one$/
    })
  }
  const others = {
    'object.mjs': ['export default { x: 1 }', ', but a value of type object. It exports no other function'],
    'null.mjs': ['export default null', ', but null. It exports no other function'],
    'number.mjs': [
      'export default 5; export const a = x => x; export const b = x => [x]',
      ", but a value of type number. Its functions are 'a', 'b'; pass { export } to choose one"
    ],
    'nothing.cjs': ['', ', but a value of type object. It exports no other function'],
    'value.cjs': ['exports.factor = 2', ', but a value of type object. It exports no other function']
  }
  for (const [name, [text, end]] of Object.entries(others)) {
    const url = pathToFileURL(file(name, text))
    await assert.rejects(pool.run(transforms.worker(url), 4), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: `The module ${url} exports no function as 'default'${end}`
    })
  }
})

for (const [name, specifier] of /** @type {[string, string | URL][]} */ ([
  ['an absolute path', esm],
  ['a relative path', `./${relative(process.cwd(), esm)}`],
  ['a URL', pathToFileURL(esm)],
  ['a URL as text', pathToFileURL(esm).href],
  ['a data: URL', `data:text/javascript,export default v => ['esm', v]; export const named = v => ['named', v]`]
])) {
  test(`ESM by ${name}`, async () => {
    assert.deepEqual(await pool.run(transforms.worker(specifier), 1), ['esm', 1])
    assert.deepEqual(await pool.run(transforms.worker(specifier, { export: 'named' }), 2), ['named', 2])
  })
}

test('hides the internal workerData from user modules', async t => {
  const early = "import 'worker_threads'"
  const own = new Pool({ threads: 1, workers: { execArgv: ['--import', `data:text/javascript,${early}`] } })
  t.after(() => own.close())
  const text = `import { createRequire } from 'module'; import { workerData } from 'worker_threads';
    export default () => [typeof createRequire('/')('worker_threads').workerData, typeof workerData]`
  const types = transforms.worker(`data:text/javascript,${text}`)
  assert.deepEqual(await own.run(types, 0), ['undefined', 'undefined'])
})

test('a preload that listens to parentPort does not keep its thread from starting', async t => {
  const listening = `import { parentPort } from 'worker_threads'
    parentPort.on('message', () => {})
    await new Promise(resolve => setTimeout(resolve, 20))`
  const preload = `data:text/javascript,${encodeURIComponent(listening)}`
  const own = new Pool({ threads: 1, workers: { execArgv: ['--import', preload] } })
  t.after(() => own.close({ force: true }))
  assert.equal(await own.run(transforms.worker('node:querystring', { export: 'escape' }), 'a b'), 'a%20b')
})

test('built-in modules and packages by name', async () => {
  const escaping = transforms.worker('node:querystring', { export: 'escape' })
  assert.equal(await pool.run(escaping, 'a b'), 'a%20b')
  const folder = mkdtempSync(join(tmpdir(), 'offloop-'))
  const packed = join(folder, 'node_modules', 'a-package')
  mkdirSync(packed, { recursive: true })
  writeFileSync(join(packed, 'package.json'), JSON.stringify({ name: 'a-package', exports: { import: './main.mjs' } }))
  writeFileSync(join(packed, 'main.mjs'), 'export default v => [v, import.meta.url.endsWith("main.mjs")]')
  const script = `const { pool, transforms } = require(${JSON.stringify(root)})
    pool.run(transforms.worker('a-package'), 3).then(console.log)`
  writeFileSync(join(folder, 'main.cjs'), script)
  const { stdout, stderr } = await node([join(folder, 'main.cjs')], { cwd: folder })
  assert.deepEqual([stdout, stderr], ['[ 3, true ]\n', ''])
})

test('ESM compiled to CommonJS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-'))
  const file = join(folder, 'compiled.js')
  writeFileSync(file, `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = v => v + 1`)
  assert.equal(await pool.run(transforms.worker(file), 1), 2)
})

test('rejects with a syntax error of the module', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'offloop-')), 'broken.mjs')
  writeFileSync(file, 'export default (')
  await assert.rejects(pool.run(transforms.worker(file), 0), SyntaxError)
})

test('TypeScript, if Node strips types', async () => {
  const typed = transforms.worker(fixture('typed.mts'))
  const stripped = /** @type {any} */ (process.features).typescript
  if (stripped) assert.equal(await pool.run(typed, { n: 1 }), 2)
  else await assert.rejects(pool.run(typed, { n: 1 }), { code: 'ERR_UNKNOWN_FILE_EXTENSION' })
})
