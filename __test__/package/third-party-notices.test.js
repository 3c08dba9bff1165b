'use strict'

// THIRD-PARTY-NOTICES lists exactly the crates of the addon.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { root, run } = require('../../scripts/lib/process')

const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')
/** "name version" of each crate. */
const listed = new Set(
  [...read('THIRD-PARTY-NOTICES').matchAll(/^([\w-]+ \d+\.[\w.+-]+)( \(.*\))?$/gm)].map(([, it]) => it)
)

test('THIRD-PARTY-NOTICES lists every crate of the addon', async () => {
  const edges = ['--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}']
  const { code, stdout, output } = await run('cargo', ['tree', '--locked', ...edges], { timeout: 60_000 })
  assert.equal(code, 0, output)
  const crates = [...stdout.matchAll(/^([\w-]+) v(\S+)/gm)].map(([, name, version]) => `${name} ${version}`)
  assert.ok(crates.length > 100)
  const missing = crates.filter(it => !it.startsWith('offloop ') && !listed.has(it))
  assert.deepEqual([...new Set(missing)], [], 'run `npm run notices`')
})

test('THIRD-PARTY-NOTICES lists no other crates', () => {
  const locked = read('Cargo.lock').matchAll(/^name = "(.*)"\nversion = "(.*)"$/gm)
  const crates = new Set(Array.from(locked, ([, name, version]) => `${name} ${version}`))
  assert.ok(listed.size > 100)
  assert.deepEqual(
    [...listed].filter(it => !crates.has(it)),
    [],
    'run `npm run notices`'
  )
})
