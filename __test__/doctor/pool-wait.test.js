'use strict'

const assert = require('node:assert/strict')
const { AsyncResource } = require('node:async_hooks')
const { pbkdf2, randomBytes } = require('node:crypto')
const { lookup } = require('node:dns')
const { readFile } = require('node:fs')
const { stat } = require('node:fs/promises')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { deflate } = require('node:zlib')
const { compare } = require('@node-rs/bcrypt')
const { PoolCallers } = require('../../lib/doctor/probe/pool-callers')
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

test('a full pool is measured, with the kinds of its jobs and their lines', async () => {
  const probe = measuring()
  const state = { isOver: false }
  const filled = fill(state)
  while (!(probe.collect().poolJobs.crypto?.time > 0)) await sampled(probe)
  probe.end()
  state.isOver = true
  await filled
  const { poolWait, poolCalls } = probe.collect()
  assert.ok(poolWait.some(({ wait }) => wait > 5))
  const [{ kind, frames }] = poolCalls.sort((one, other) => other.jobs - one.jobs)
  assert.equal(kind, 'crypto')
  assert.equal(frames.find(({ isUser }) => isUser)?.file, __filename)
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

test('jobs of each kind are found, and other resources are not', async t => {
  const callers = new PoolCallers()
  callers.enable()
  t.after(() => callers.disable())
  queueMicrotask(() => {})
  setImmediate(() => {})
  new AsyncResource('query')
  await Promise.all([
    promisify(readFile)(__filename),
    promisify(lookup)('localhost'),
    promisify(deflate)('text'),
    promisify(randomBytes)(8),
    compare('password', '$2b$04$5JhMKNhB/IHgXPcSlZfpCuRfVAZ1r0hEPY9KoZ7MSvB1nDhsqlDvK')
  ])
  const kinds = callers.facts.map(({ kind, jobs }) => `${kind} ${jobs}`)
  assert.deepEqual(kinds.sort(), ['crypto 1', 'dns 1', 'fs 1', 'node_api 1', 'zlib 1'])
})
