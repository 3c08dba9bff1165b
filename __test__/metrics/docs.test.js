'use strict'

// Runs every block of the page about metrics and compares its tables with the definitions.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { test } = require('node:test')
const { Registry } = require('prom-client')
const { Cache, Pool, transforms } = require('../..')
const { collectMetrics } = require('../../prometheus')
const { metrics } = require('../../lib/metrics')
const { codeBlocks, root, runBlock } = require('../support/documents')
const { Reader, scrape } = require('../support/metrics')

const PAGE = 'docs/observability.md'
const text = readFileSync(join(root, PAGE), 'utf8')
const blocks = codeBlocks(PAGE)

test('documents both exporters', () => {
  for (const exporter of ['prometheus', 'opentelemetry']) {
    assert.ok(blocks.some(({ code }) => code.includes(`require('offloop/${exporter}')`)))
  }
})

for (const block of blocks) {
  test(`${block.path}: ${block.where}`, async () => {
    const names = {
      require: createRequire(join(root, 'index.js')),
      reader: new Reader(),
      db: { user: () => ({}) }
    }
    let checked = 0
    await runBlock(block, names, (actual, expected) => {
      checked++
      assert.deepEqual(actual, expected)
    })
    assert.ok(checked > 0, 'the block has no result to check')
  })
}

test('the tables list the names, kinds, units and labels of all metrics', () => {
  const rows = [...text.matchAll(/^\| `offloop\.([\w.]+)` \| (\w+) \| `([^`]+)` \|([^|]*)\|/gm)]
  const documented = rows.map(([, name, kind, unit, labels]) => [name, kind, unit, labels.replaceAll('`', '').trim()])
  const measured = Object.values(metrics).flat()
  assert.deepEqual(
    documented,
    measured.map(({ name, kind, unit, labels }) => [name, kind, unit, labels.join(', ')])
  )
})

test('documents the number of series, and alerts on existing metrics', async () => {
  const [pool, cache] = [new Pool({ name: 'p' }), new Cache({ max: 1 })]
  const sink = pool.each(transforms.identity())
  const register = new Registry()
  const stop = collectMetrics({ pools: [pool], caches: { cache }, streams: { sink }, register })
  await pool.run(transforms.gzip(), 'text')
  const { types, values } = await scrape(register)
  const count = (/** @type {RegExp} */ pattern) => [...values.keys()].filter(it => pattern.test(it)).length
  const [own, each] = [count(/^offloop_pool_(?!transform)/), count(/^offloop_pool_transform/)]
  assert.match(text, new RegExp(`A pool has ${own} series in Prometheus, and ${each} more for each transform`))
  assert.match(
    text,
    new RegExp(`cache has ${count(/^offloop_cache/)} series and a stream ${count(/^offloop_stream/)}\\.`)
  )
  const named = [...text.slice(text.indexOf('## Alerts')).matchAll(/offloop_\w+/g)].map(([name]) => name)
  assert.ok(named.length > 0)
  for (const name of named) assert.ok(types.has(name) || types.has(name.replace(/_(sum|count)$/, '')), name)
  stop()
  sink.destroy()
  cache.close()
  await pool.close()
})
