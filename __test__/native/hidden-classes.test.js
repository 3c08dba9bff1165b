'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child.js')

test('the tasks in flight have the hidden classes that are kept', async () => {
  const { stdout, stderr } = await node(['--no-warnings', require.resolve('../fixtures/hidden-classes.js')])
  assert.equal(stderr, '')
  assert.equal(stdout, 'BatchTask BulkScheduler Task WorkerTask')
})

test('the objects that are kept end as async resources', async () => {
  const { stdout, stderr } = await node(['--expose-gc', require.resolve('../fixtures/async-resources.js')])
  assert.equal(stderr, '')
  assert.equal(stdout, '[]')
})
