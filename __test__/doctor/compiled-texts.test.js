'use strict'

// Texts that loaders such as tsx compile in memory.

const assert = require('node:assert/strict')
const { mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { transformSync } = require('esbuild')
const { addFiles, compiledTexts } = require('../../lib/doctor/probe/compiled-texts')
const { originalFrames } = require('../../lib/watch/source-maps')

const SOURCE = `interface Result {
  count: number
}

exports.compute = function compute(): Result {
  return { count: 1 }
}
`

/**
 * Compiles a file as a loader does.
 * @param {import('node:test').TestContext} t
 * @param {(compiled: string) => string} textOnDisk
 */
function load(t, textOnDisk) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offloop-compiled-')))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'compute.ts')
  const { code } = transformSync(SOURCE, {
    loader: 'ts',
    sourcemap: 'inline',
    sourcefile: file,
    minifyWhitespace: true
  })
  writeFileSync(file, textOnDisk(code))
  const module = /** @type {any} */ (new Module(file))
  module._compile(code, file)
  return { file, code }
}

test('the text that was compiled is found, and leads to the source', async t => {
  const { file, code } = load(t, () => SOURCE)
  const texts = compiledTexts(new Set([file, '/other.ts']))
  assert.deepEqual(texts, [{ file, text: code }])
  const column = code.indexOf('return') + 1
  const frame = { name: 'compute', file, line: 1, column, isAsync: false, isUser: true }
  const [origin] = await originalFrames([frame], new Map([[file, code]]))
  assert.deepEqual([origin.file, origin.line], [file, 6])
})

test('files that are compiled already, and others, are left out', t => {
  const compiled = load(t, text => text)
  const other = load(t, () => SOURCE)
  assert.deepEqual(compiledTexts(new Set([compiled.file])), [])
  assert.deepEqual(compiledTexts(new Set()), [], other.file)
})

test('the files of the program are collected from all frames', () => {
  const frame = (/** @type {string} */ file, isUser = true) => ({ file, isUser })
  const files = new Set()
  addFiles(
    [{ races: [{ frames: [frame('/a.ts'), frame('node:fs', false)] }] }, { forks: [{ frames: [frame('/b.ts')] }] }],
    files
  )
  assert.deepEqual([...files], ['/a.ts', '/b.ts'])
})
