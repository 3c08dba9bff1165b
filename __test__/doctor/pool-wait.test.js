'use strict'

const assert = require('node:assert/strict')
const { pbkdf2 } = require('node:crypto')
const { stat } = require('node:fs/promises')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { PoolWait } = require('../../lib/doctor/probe/pool-wait')

const derive = promisify(pbkdf2)

function measuring() {
  const probe = new PoolWait()
  probe.begin()
  return probe
}

/** Waits for a job behind that of the probe. @param {PoolWait} probe */
async function sampled(probe) {
  probe.sample()
  await stat(__filename)
}

/** Runs jobs that take about 10 ms, sixteen at a time. @param {{ isOver: boolean }} state */
async function fill(state) {
  const one = async () => {
    while (!state.isOver) await derive('password', 'salt', 20_000, 32, 'sha256')
  }
  await Promise.all(Array.from({ length: 16 }, one))
}

test('a full pool is measured, with the kinds of its jobs', async () => {
  const probe = measuring()
  const state = { isOver: false }
  const filled = fill(state)
  while (probe.collect().poolJobs.crypto === undefined) await sampled(probe)
  probe.end()
  state.isOver = true
  await filled
  assert.ok(probe.collect().poolWait.some(({ wait }) => wait > 5))
})

test('an idle pool has no jobs that are looked at', async () => {
  const probe = measuring()
  while (probe.collect().poolWait.length < 8) await sampled(probe)
  assert.deepEqual(probe.collect().poolJobs, {})
})

test('a job that still waits for a thread counts', async () => {
  const probe = measuring()
  const jobs = Array.from({ length: 16 }, () => derive('password', 'salt', 20_000, 32, 'sha512'))
  probe.sample()
  await jobs[0]
  const [waiting, ...none] = probe.collect().poolWait
  assert.deepEqual(none, [])
  assert.ok(waiting.wait > 0)
  await Promise.all(jobs)
  const [ended, ...others] = probe.collect().poolWait
  assert.deepEqual(others, [])
  assert.ok(ended.wait > waiting.wait)
})
