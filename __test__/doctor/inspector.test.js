'use strict'

// Programs without the inspector: the permission model forbids it, and builds may lack it.

const assert = require('node:assert/strict')
const { Session } = require('node:inspector')
const { test } = require('node:test')
const { compiledTexts } = require('../../lib/doctor/probe/compiled-texts')
const { call, connected } = require('../../lib/doctor/probe/inspector')
const { install } = require('../../lib/doctor/probe/memory')
const { PoolJobs } = require('../../lib/doctor/probe/pool-jobs')
const { Profile } = require('../../lib/doctor/probe/profile')

test('the answer of the inspector is returned, that of a failure is undefined', () => {
  const session = connected()
  assert.equal(call(session, 'Runtime.evaluate', { expression: '1 + 1' }).result.value, 2)
  assert.equal(call(session, 'No.method'), undefined)
  session?.disconnect()
})

test('no probe fails without the inspector', t => {
  t.mock.method(Session.prototype, 'connect', () => {
    throw new Error('refused')
  })
  assert.equal(connected(), undefined)
  const profile = new Profile(10)
  profile.start()
  assert.equal(profile.stop(), undefined)
  const memory = install()
  memory.begin()
  memory.end()
  assert.deepEqual(memory.collect().allocations, [])
  const jobs = new PoolJobs()
  jobs.sample(true)
  jobs.stop()
  assert.deepEqual(jobs.facts, { poolJobs: {}, poolCalls: [] })
  assert.deepEqual(compiledTexts(new Set([__filename])), [])
})
