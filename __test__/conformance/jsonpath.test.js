'use strict'

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { test } = require('node:test')
const { isDeepStrictEqual } = require('node:util')
const { pool, transforms } = require('../..')
const { suite } = require('../support/conformance.js')

const { path, skip } = suite('jsonpath', 'cts.json')

test('JSONPath compliance', { skip }, async t => {
  let ran = 0
  /** @type {string[]} */
  const failed = []
  for (const { name, selector, document, result, results, invalid_selector } of JSON.parse(readFileSync(path, 'utf8'))
    .tests) {
    ran++
    let select
    try {
      select = transforms.json.select(selector)
    } catch {
      if (!invalid_selector) failed.push(`${name}: rejected`)
      continue
    }
    if (invalid_selector) {
      failed.push(`${name}: accepted`)
      continue
    }
    const nodes = await pool.run(select, JSON.stringify(document))
    // Several results are valid if the order of members does not matter.
    if (!(results ?? [result]).some((/** @type {unknown} */ it) => isDeepStrictEqual(nodes, it))) {
      failed.push(`${name}: ${JSON.stringify(nodes)}`)
    }
  }
  t.diagnostic(`${ran} cases`)
  assert.deepEqual(failed, [])
  assert.ok(ran > 0)
})
