'use strict'

const assert = require('node:assert/strict')
const { exec, execFile, fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { beforeEach, test } = require('node:test')
const { Worker } = require('node:worker_threads')

const probe = require('../../lib/doctor/probe/workers').install()

beforeEach(() => probe.begin())

/** @param {string} mark */
function lineOf(mark) {
  const lines = require('node:fs').readFileSync(__filename, 'utf8').split('\n')
  return lines.findIndex(line => line.includes(`// ${mark}`)) + 1
}

/** @param {import('../../lib/doctor/facts').Site} site */
function guilty({ frames }) {
  const frame = frames.find(({ isUser }) => isUser)
  assert.equal(frame?.file, __filename)
  return frame?.line
}

test('reports threads by the line that starts them', async () => {
  for (let index = 0; index < 2; index++) {
    const workers = Array.from({ length: 2 }, () => new Worker('', { eval: true })) // starts a thread
    await Promise.all(workers.map(worker => once(worker, 'exit')))
  }
  const [fact, ...others] = probe.collect().starts
  assert.deepEqual(others, [])
  assert.equal(guilty(fact), lineOf('starts a thread'))
  const { kind, what, starts, shortLived, concurrent } = fact
  assert.deepEqual(
    { kind, what, starts, shortLived, concurrent },
    { kind: 'worker', what: 'Worker', starts: 4, shortLived: 4, concurrent: 2 }
  )
  assert.ok(fact.startTime > 0)
})

test('a reused thread is not short-lived', async () => {
  const worker = new Worker('require("node:worker_threads").parentPort.once("message", () => {})', { eval: true })
  await once(worker, 'online')
  assert.deepEqual(
    probe.collect().starts.map(({ starts, shortLived, concurrent }) => ({ starts, shortLived, concurrent })),
    [{ starts: 1, shortLived: 0, concurrent: 1 }]
  )
  worker.postMessage('end')
  await once(worker, 'exit')
})

test('an end is seen although the program removes all listeners', async () => {
  const worker = new Worker('', { eval: true })
  worker.removeAllListeners()
  await once(worker, 'exit')
  assert.equal(probe.collect().starts[0].shortLived, 1)
})

test('a derived class is not called while it is constructed', async () => {
  /** @type {string[]} */
  const types = []
  class Job extends Worker {
    /**
     * @param {any} type
     * @param {any} listener
     */
    on(type, listener) {
      types.push(type)
      return super.on(type, listener)
    }
  }
  const job = new Job('', { eval: true })
  const counts = ['online', 'exit'].map(type => job.listenerCount(type))
  assert.deepEqual(counts, [1, 0])
  assert.ok(!types.includes('exit') && !types.includes('online'), types.join())
  await once(job, 'exit')
  const [{ what, starts, shortLived }] = probe.collect().starts
  assert.deepEqual({ what, starts, shortLived }, { what: 'Job', starts: 1, shortLived: 1 })
})

test('reports processes, without their arguments', async () => {
  const script = join(__dirname, 'secret.js')
  const children = [
    execFile(process.execPath, ['-e', '', 'secret']),
    exec('true secret'),
    fork(script, ['secret'], { execArgv: ['-e', ''], stdio: 'ignore' })
  ]
  await Promise.all(children.map(child => once(child, 'exit')))
  const facts = probe.collect().starts
  assert.deepEqual(
    facts.map(({ kind, starts, shortLived }) => ({ kind, starts, shortLived })),
    Array.from({ length: 3 }, () => ({ kind: 'process', starts: 1, shortLived: 1 }))
  )
  const names = facts.map(({ what }) => what)
  assert.equal(names[1], 'true')
  assert.match(names[0], /^node/)
  assert.match(names[2], /^node/)
})

test('a process has no listeners, and a thread none once it is online', async () => {
  const child = execFile(process.execPath, ['-e', ''])
  const counts = ['spawn', 'exit'].map(type => child.listenerCount(type))
  assert.deepEqual(counts, [0, 0])
  const worker = new Worker('', { eval: true })
  const ends = Promise.all([once(worker, 'exit'), once(child, 'exit')])
  await once(worker, 'online')
  assert.equal(worker.listenerCount('online'), 0)
  await ends
  assert.equal(worker.listenerCount('exit'), 0)
  const starts = probe.collect().starts
  assert.deepEqual(
    starts.map(({ startTime, shortLived }) => [startTime > 0, shortLived]),
    [
      [true, 1],
      [true, 1]
    ]
  )
})

test('a program that cannot be started ends', async () => {
  const child = execFile('/no/such/program', () => {})
  await once(child, 'error')
  const [{ what, starts, shortLived }] = probe.collect().starts
  assert.deepEqual({ what, starts, shortLived }, { what: 'program', starts: 1, shortLived: 1 })
})

test('the starts of before are forgotten', async () => {
  const worker = new Worker('', { eval: true })
  probe.begin()
  await once(worker, 'exit')
  assert.deepEqual(probe.collect().starts, [])
})
