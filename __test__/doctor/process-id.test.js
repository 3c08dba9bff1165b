'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { test } = require('node:test')
const { identity, isRunning } = require('../../lib/doctor/process-id')

const skip = process.platform !== 'linux' && 'only Linux has files with start times'

test('a process is identified by its start time too', { skip }, async () => {
  const own = identity()
  assert.equal(isRunning(own), true)
  assert.equal(isRunning({ ...own, started: `${Number(own.started) - 1}` }), false)
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  assert.equal(isRunning({ ...own, pid: /** @type {number} */ (child.pid) }), false)
})
