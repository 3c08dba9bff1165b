'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { judge } = require('../../lib/doctor/judge/worker.js')
const { SETUP, facts, rows, stack } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../lib/doctor/facts').StartFact} StartFact
 * @typedef {import('../../lib/doctor/judge/parts').Setup} Setup
 */

const WORKER = 'new Worker node:internal/worker:270 < runTask task.js:4 < handler server.js:3'
const PROCESS = 'spawn node:child_process:700 < convert convert.js:5 < handler server.js:3'

/**
 * @param {Partial<StartFact>} [fields]
 * @returns {StartFact}
 */
function start(fields = {}) {
  return {
    kind: 'worker',
    what: 'Worker',
    starts: 1000,
    shortLived: 995,
    concurrent: 20,
    startTime: 12,
    frames: stack(fields.kind === 'process' ? PROCESS : WORKER),
    ...fields
  }
}

/**
 * @param {Partial<StartFact>[]} list
 * @param {Partial<Setup>} [setup]
 */
function judged(list, setup = {}) {
  return judge(facts([{ starts: list.map(start), rows: rows(() => ({ rss: 2e8 })) }]), { ...SETUP, ...setup })
}

/** @param {ReturnType<typeof judge>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, function: name, line }) => `${id} ${confidence} ${name}:${line}`)
}

test('a thread for each request is certain, with its line and figures', () => {
  const [finding, ...others] = judged([{}])
  assert.deepEqual(others, [])
  const { rule, title, confidence, file, line, evidence, fix, time } = finding
  assert.deepEqual(
    { rule, title, confidence, file, line },
    { rule: 8, title: 'a worker thread per request', confidence: 'certain', file: '/srv/task.js', line: 4 }
  )
  assert.equal(
    evidence.text,
    'Started 1,000 threads, 1 for each request; 995 of them ended within five seconds. ' +
      'A start takes 12 ms; up to 20 ran at the same time; the process grew to 200 MB.'
  )
  assert.equal(evidence.perRequest, 1)
  assert.match(fix, /transforms\.worker\(file\)/)
  assert.equal(time, 10_000)
})

test('pools, few starts, rare starts and long lives are right', () => {
  assert.deepEqual(judged([{ starts: 16, shortLived: 0, concurrent: 16 }]), [])
  assert.deepEqual(judged([{ starts: 9, shortLived: 9 }], { requests: 9 }), [])
  assert.deepEqual(judged([{ starts: 50, shortLived: 50 }]), [])
  assert.deepEqual(judged([{ starts: 1000, shortLived: 300 }]), [])
  // Threads of a pool that are replaced after many inputs.
  assert.deepEqual(judged([{ starts: 90, shortLived: 80, concurrent: 8 }]), [])
})

test('starts that still run at the end do not hide a fault', () => {
  assert.deepEqual(brief(judged([{ starts: 120, shortLived: 60, concurrent: 50 }], { requests: 200 })), [
    'worker-per-request certain runTask:4'
  ])
})

test('threads that stay are likely if they are more than a pool has', () => {
  const staying = { starts: 600, shortLived: 0, concurrent: 600 }
  assert.deepEqual(brief(judged([staying])), ['worker-per-request likely runTask:4'])
  assert.deepEqual(judged([{ ...staying, concurrent: 32 }]), [])
  assert.deepEqual(judged([{ starts: 100, shortLived: 0, concurrent: 100 }]), [])
  assert.deepEqual(judged([{ ...staying, kind: 'process', what: 'ffmpeg' }]), [])
})

test('processes of Node.js are certain; other programs by what their starts cost', () => {
  const node = { kind: /** @type {const} */ ('process'), what: 'node task.js', startTime: 3 }
  assert.deepEqual(brief(judged([node])), ['process-per-request certain convert:5'])
  const tool = { ...node, what: 'convert' }
  assert.deepEqual(brief(judged([tool])), ['process-per-request likely convert:5'])
  const [{ confidence, evidence }] = judged([{ ...tool, starts: 150, shortLived: 150, startTime: 2 }])
  assert.equal(confidence, 'possible')
  assert.equal(
    evidence.text,
    "Started 150 processes (convert), 0.15 for each request; 150 of them ended within five seconds. A start takes 2 ms, 3 % of the loop's time; up to 20 ran at the same time."
  )
  assert.deepEqual(brief(judged([{ ...node, what: 'nodemon' }])), ['process-per-request likely convert:5'])
})

test('without requests, many short threads of the program are likely', () => {
  assert.deepEqual(brief(judged([{}], { requests: 0 })), ['worker-per-request likely runTask:4'])
  const tool = { frames: stack('new Worker node:internal/worker:270 < run node_modules/tool/index.js:4') }
  assert.deepEqual(brief(judged([tool], { requests: 0 })), ['worker-per-request possible run:4'])
  const few = { starts: 60, shortLived: 60, startTime: 5 }
  assert.deepEqual(brief(judged([few], { requests: 0 })), ['worker-per-request possible runTask:4'])
  assert.deepEqual(judged([{ kind: 'process' }], { requests: 0 }), [])
  assert.deepEqual(judged([{ starts: 30, shortLived: 30 }], { requests: 0 }), [])
})

test('a line is one finding in all processes, with the requests of all', () => {
  const list = [start({ starts: 60, shortLived: 60 })]
  const findings = judge(facts([{ starts: list }, { starts: list }]), SETUP)
  assert.deepEqual(brief(findings), ['worker-per-request certain runTask:4'])
  assert.equal(findings[0].evidence.starts, 120)
})
