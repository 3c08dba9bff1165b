'use strict'

// Whatever code of an input, an option or a signal runs and throws: what the pool took for it goes back, and the process ends.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child.js')

const program = require.resolve('../fixtures/ownership/run.js')
const { groups } = require(program)

test('a hostile value leaves slots, bytes, listeners and the end of the process as they were', {
  concurrency: 2
}, async t => {
  const tests = groups.map((/** @type {string} */ group) =>
    t.test(group, async () => {
      const { code, signal, stdout, stderr } = await node(['--no-warnings', program, group], { timeout: 60_000 })
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      const { cases, failures } = JSON.parse(stdout)
      assert.ok(cases > 100)
      assert.deepEqual(failures, [])
    })
  )
  await Promise.all(tests)
})
