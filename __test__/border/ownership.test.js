'use strict'

// Whatever code of an input, an option or a signal runs and throws: what the pool took for it goes back, and the process ends.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child.js')

const program = require.resolve('../fixtures/ownership/run.js')
const { groups } = require(program)

/** Groups for each process: starting one takes longer than most of them. */
const EACH = 4
const parts = Array.from({ length: Math.ceil(groups.length / EACH) }, (_, part) =>
  groups.slice(part * EACH, (part + 1) * EACH)
)

test('a hostile value leaves slots, bytes, listeners and the end of the process as they were', {
  concurrency: 2
}, async t => {
  const tests = parts.map((/** @type {string[]} */ names) =>
    t.test(names.join('; '), async () => {
      const { code, signal, stdout, stderr } = await node(['--no-warnings', program, ...names], { timeout: 120_000 })
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      const report = JSON.parse(stdout)
      assert.deepEqual(report.names, names)
      assert.ok(report.cases > 100)
      assert.deepEqual(report.failures, [])
    })
  )
  await Promise.all(tests)
})
