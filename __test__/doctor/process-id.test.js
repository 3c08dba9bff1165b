'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { test } = require('node:test')
const { descendantsOf, identity, isRunning } = require('../../lib/doctor/process-id')

const skip = process.platform !== 'linux' && 'only Linux has files with start times'

test('a process is identified by its start time too', { skip }, async () => {
  const own = identity()
  assert.equal(isRunning(own), true)
  assert.equal(isRunning({ ...own, started: `${Number(own.started) - 1}` }), false)
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  assert.equal(isRunning({ ...own, pid: /** @type {number} */ (child.pid) }), false)
})

test('the descendants of a process are found', { skip }, async t => {
  const code = "require('node:child_process').spawn('sh', ['-c', 'echo started; read line'], { stdio: 'inherit' })"
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const found = descendantsOf([process.pid])
  assert.ok(found.some(({ pid }) => pid === child.pid))
  const shells = descendantsOf([/** @type {number} */ (child.pid)])
  assert.ok(shells.length > 0 && shells.every(isRunning))
  child.stdin.end()
  await once(child, 'exit')
  assert.ok(!shells.some(isRunning))
})
