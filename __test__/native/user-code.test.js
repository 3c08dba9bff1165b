'use strict'

// If code of an input, an option or a signal throws or calls back, the pool gets back its slots and bytes, and the process exits.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child.js')

const program = require.resolve('../fixtures/user-code/run.js')
const { groups } = require(program)

/** Groups per process: starting a process takes longer than running most groups. */
const EACH = 4
const parts = Array.from({ length: Math.ceil(groups.length / EACH) }, (_, part) =>
  groups.slice(part * EACH, (part + 1) * EACH)
)

test('a hostile value leaks no slots, bytes or listeners, and does not keep the process alive', {
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
