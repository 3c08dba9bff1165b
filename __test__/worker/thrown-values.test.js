'use strict'

// Any value that a function throws reaches its caller.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, transforms } = require('../..')
const { fixture } = require('../support/worker')

const EXPECTED = {
  nested: { message: 'many', errors: 1000 },
  endless: { message: 'many', errors: 1000 },
  revoked: { message: 'many', errors: undefined },
  unreadable: { message: 'many', errors: 1 }
}

test('truncates error lists that are endless or cannot be read', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  for (const [name, { message, errors }] of Object.entries(EXPECTED)) {
    const transform = transforms.worker(fixture('throws-error-lists.js'), { export: name })
    await assert.rejects(pool.run(transform, null), error => {
      assert.ok(error instanceof AggregateError, name)
      assert.equal(error.message, message)
      assert.equal(error.errors.length, errors ?? 0, name)
      return true
    })
  }
})

test('calls the getters of a thrown value once', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const changing = transforms.worker(fixture('throws-error-lists.js'), { export: 'changing' })
  await assert.rejects(pool.run(changing, null), { message: 'changing', details: { value: 'first' } })
})
