'use strict'

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { root } = require('../support/documents')
const { transformNames } = require('../support/transform-names')

const page = readFileSync(join(root, 'docs/transforms.md'), 'utf8')

test('the table of docs/transforms.md lists every transform', () => {
  const table = /^\| name \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(page)?.[1] ?? ''
  const cells = [...table.matchAll(/^\|([^|]*)\|/gm)].map(([, cell]) => cell)
  const documented = cells.flatMap(cell => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
  assert.deepEqual(documented.sort(), [...transformNames].sort())
})

test('docs/transforms.md names only transforms that exist', () => {
  const named = [...page.matchAll(/`((?:csv|json|numeric|text)\.\w+)`/g)].map(([, name]) => name)
  assert.ok(named.length > 0)
  for (const name of named) assert.ok(transformNames.includes(name), name)
})
