'use strict'

const assert = require('node:assert/strict')
const { readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { suite } = require('../support/conformance.js')

const { path, skip } = suite('json-schema', 'draft2020-12')
const { validate, validateEach } = transforms.json

/** Whether a schema refers to one of the documents that the suite would serve: nothing is fetched here. @param {string} reason */
const isElsewhere = reason => /localhost:1234/.test(reason)

test('JSON Schema 2020-12, without what is optional', { skip }, async t => {
  let [ran, elsewhere] = [0, 0]
  /** @type {string[]} */
  const failed = []
  for (const file of readdirSync(path).filter(name => name.endsWith('.json'))) {
    for (const { description, schema, tests } of JSON.parse(readFileSync(join(path, file), 'utf8'))) {
      let transform
      try {
        transform = validate(schema)
      } catch (error) {
        if (!isElsewhere(/** @type {Error} */ (error).message)) failed.push(`${file}: ${description}: ${error}`)
        elsewhere += tests.length
        continue
      }
      for (const { description: what, data, valid } of tests) {
        const verdict = await pool.run(transform, JSON.stringify(data))
        if (verdict.valid !== valid || (verdict.errors.length === 0) !== valid)
          failed.push(`${file}: ${description}: ${what}`)
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
  t.diagnostic(`${ran} cases; ${elsewhere} need documents of another host`)
  assert.deepEqual(failed, [])
  assert.ok(ran > 0)
})
