'use strict'

// The rules of the JavaScript imports, over the real tree and over one that breaks each.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { LAYERS, importGraph } = require('../../scripts/lib/import-graph.js')

const root = join(__dirname, '..', '..')

test('imports point down without cycles, types included', async () => {
  const { files, imports, cycles, upward, complaints } = await importGraph(root)
  assert.deepEqual({ cycles, upward, complaints }, { cycles: [], upward: [], complaints: [] })
  for (const file of ['index.js', 'fastify.js', 'lib/native/binding.d.ts']) assert.ok(files.includes(file), file)
  for (const isType of [true, false]) assert.ok(imports.some(it => it.isType === isType))
})

test('each import that breaks a rule is reported, and no other', async () => {
  const { cycles, upward, complaints } = await importGraph(join(root, '__test__/fixtures/imports'))
  assert.deepEqual(cycles.sort(), [
    'index.js -> lib/pool/index.js -> lib/stream/index.js -> lib/stream/sink.js -> index.js',
    'lib/internal/abort.js -> lib/internal/clock.js -> lib/internal/abort.js'
  ])
  assert.deepEqual(upward.sort(), [
    'lib/cache/hold.js -> lib/json/builder.js',
    'lib/internal/errors.js -> lib/pool/index.js',
    'lib/pool/state.js -> lib/pool/index.js',
    'lib/stream/sink.js -> index.js',
    'lib/task/task.js -> lib/pool/index.js',
    'prometheus.js -> index.js'
  ])
  assert.deepEqual(complaints.sort(), [
    'closed folder: fastify.js -> lib/cache/hold.js',
    'closed folder: lib/metrics/target.js -> lib/stream/sink.js',
    'hidden: lib/internal/warning.js -> ./validate',
    'no code: lib/metrics/index.js -> index.d.ts',
    'no code: lib/pool/state.js -> lib/native/binding.d.ts',
    'no layer: lib/stray.js'
  ])
})

test('CONTRIBUTING.md lists the layers of lib/', () => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const [, section] = /^## The layers of `lib\/`\n([\s\S]*?)^## /m.exec(text) ?? []
  const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell)
  const layers = LAYERS.filter(([part]) => part.startsWith('lib/'))
  assert.deepEqual(
    rows,
    layers.map(parts => parts.map(part => `\`${part.slice('lib/'.length)}\``).join(', '))
  )
})
