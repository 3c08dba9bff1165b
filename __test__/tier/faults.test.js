'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runWithFaults } = require('../support/tier-faults.js')

test('processes that are killed, suspended and blocked keep the guarantee', {
  skip: process.platform === 'win32' && 'no signals'
}, async () => {
  const { violations, gets, changes } = await runWithFaults(10)
  assert.deepEqual(violations, [])
  assert.ok(gets > 100 && changes > 10, `${gets} calls, ${changes} changes`)
})
