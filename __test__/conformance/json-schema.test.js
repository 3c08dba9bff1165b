'use strict'

const assert = require('node:assert/strict')
const { readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { suite } = require('../support/conformance.js')

const { path, skip } = suite('json-schema', 'draft2020-12')
const { validate, validateEach } = transforms.json

/** True if a schema refers to a document on the suite's server, which is not fetched. @param {string} reason */
const isRemote = reason => /localhost:1234/.test(reason)

test('JSON Schema 2020-12: required tests', { skip }, async t => {
  let [ran, remote] = [0, 0]
  /** @type {string[]} */
  const failed = []
  for (const file of readdirSync(path).filter(name => name.endsWith('.json'))) {
    for (const { description, schema, tests } of JSON.parse(readFileSync(join(path, file), 'utf8'))) {
      let transform
      try {
        transform = validate(schema)
      } catch (error) {
        if (!isRemote(/** @type {Error} */ (error).message)) failed.push(`${file}: ${description}: ${error}`)
        remote += tests.length
        continue
      }
      for (const { description: name, data, valid } of tests) {
        const verdict = await pool.run(transform, JSON.stringify(data))
        if (verdict.valid !== valid || (verdict.errors.length === 0) !== valid)
          failed.push(`${file}: ${description}: ${name}`)
        ran++
      }
      const { total, invalid } = await pool.run(
        validateEach(schema),
        JSON.stringify(tests.map((/** @type {any} */ it) => it.data))
      )
      const expected = tests.filter((/** @type {any} */ it) => !it.valid).length
      if (total !== tests.length || invalid !== expected) failed.push(`${file}: ${description}: as a list`)
    }
  }
  t.diagnostic(`${ran} cases; ${remote} need remote documents`)
  assert.deepEqual(failed, [])
  assert.ok(ran > 0)
})
