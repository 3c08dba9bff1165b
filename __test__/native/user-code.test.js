'use strict'

// When code of an input, an option or a signal throws or calls back, the pool recovers its slots and bytes, and the process exits.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child.js')

const program = require.resolve('../fixtures/user-code/run.js')
const { groups } = require(program)

/** Groups per process: starting a process is slower than running most groups. */
const GROUPS_PER_PROCESS = 4
const chunks = Array.from({ length: Math.ceil(groups.length / GROUPS_PER_PROCESS) }, (_, chunk) =>
  groups.slice(chunk * GROUPS_PER_PROCESS, (chunk + 1) * GROUPS_PER_PROCESS)
)

test('a hostile value leaks no slots, bytes or listeners, and does not keep the process alive', {
  concurrency: 2
}, async t => {
  const tests = chunks.map((/** @type {string[]} */ names) =>
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
