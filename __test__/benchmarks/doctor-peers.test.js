'use strict'

// The comparison of the doctor with other tools: its rules, and its committed tables.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { isRight, judge, summarize } = require('../../benchmarks/peers/rules.js')
const { intoDocument, page, verdictOf } = require('../../benchmarks/peers/tables.js')

const root = join(__dirname, '..', '..')
const GUILTY = { file: '/s/6-handler.js', line: 20, function: 'heavyCompute' }
const [TRAP, HEALTHY] = [verdictOf('t6'), verdictOf('n1')]

/** @param {Partial<import('../../doctor').Finding>} [other] */
function finding(other) {
  const { file, line, function: name } = GUILTY
  return {
    rule: /** @type {const} */ (6),
    id: 'handler',
    confidence: /** @type {const} */ ('certain'),
    function: name,
    file,
    line,
    ...other
  }
}

/** @param {import('../../benchmarks/peers/rules').Observation} observation */
function outcome(observation, verdict = TRAP, guilty = verdict === TRAP ? GUILTY : undefined) {
  return judge(verdict, observation, guilty).outcome
}

test('a finding is right if it is the only one and names the line, or else the function', () => {
  assert.equal(outcome({ requests: 1, findings: [finding()] }), 'line')
  assert.equal(outcome({ requests: 1, findings: [finding({ line: 19 })] }), 'function')
  assert.equal(outcome({ requests: 1, findings: [finding({ line: 19, function: 'other' })] }), 'wrong')
  assert.equal(outcome({ requests: 1, findings: [finding({ rule: 5, id: 'growth' })] }), 'wrong')
  assert.equal(outcome({ requests: 1, findings: [finding(), finding({ line: 3 })] }), 'wrong')
  assert.equal(outcome({ requests: 1, findings: [] }), 'nothing')
  assert.equal(outcome({ requests: 1, findings: [finding()] }, HEALTHY), 'wrong')
})

test('a category is right if it fits the trap, and undecided ones accuse nothing', () => {
  assert.equal(outcome({ requests: 1, category: 'event-loop' }), 'category')
  assert.equal(outcome({ requests: 1, category: 'gc' }), 'wrong')
  for (const category of ['none', 'data', 'unknown']) assert.equal(outcome({ requests: 1, category }), 'nothing')
  assert.equal(outcome({ requests: 1, category: 'io' }, HEALTHY), 'wrong')
})

test('half of the stacks have to name the line or the function', () => {
  const stacks = { count: 4, line: 2, function: 3, commonest: '' }
  assert.equal(outcome({ requests: 1, stacks }), 'line')
  assert.equal(outcome({ requests: 1, stacks: { ...stacks, line: 1 } }), 'function')
  assert.equal(outcome({ requests: 1, stacks: { ...stacks, line: 1, function: 1 } }), 'wrong')
  assert.equal(outcome({ requests: 1, stacks: { ...stacks, count: 0 } }), 'nothing')
})

test('a graph has no verdict, and a failure is shown', () => {
  assert.equal(outcome({ requests: 1, graph: { share: 0.9 } }), 'graph')
  assert.deepEqual(judge(TRAP, { requests: 0, failure: 'broken' }, GUILTY), { outcome: 'failed', text: 'broken' })
  assert.ok(!isRight({ outcome: 'graph', text: '' }))
})

test('counts the stacks of the load that name the guilty line and function', () => {
  const at = (/** @type {number} */ line) => `    at heavyCompute (${GUILTY.file}:${line}:5)`
  const other = '    at async report (file:///s/6-handler.js:40:5)'
  const reports = [
    { at: 0, stack: [at(20)] },
    { at: 10, stack: ['    at Node.js (node:fs:1:1)', other] },
    { at: 11, stack: [at(20), other] },
    { at: 12, stack: ['heavyCompute (/s/6-handler.js:19:1)'] },
    { at: 13, stack: ['    at heavyComputer (/s/6-handler.js:200:1)'] }
  ]
  const summary = summarize(reports, { from: 5, to: 20 }, GUILTY, frame => frame.includes('/s/'))
  assert.deepEqual(summary, { count: 4, line: 1, function: 2, commonest: 'async report (6-handler.js:40:5)' })
})

test('the committed tables are those of the committed observations', () => {
  const results = join(root, 'benchmarks', 'results')
  const { runs } = JSON.parse(readFileSync(join(results, 'doctor-peers.json'), 'utf8'))
  assert.equal(page(runs), readFileSync(join(results, 'doctor-peers.md'), 'utf8'))
  const document = readFileSync(join(root, 'docs', 'doctor.md'), 'utf8')
  assert.equal(intoDocument(document, runs), document, 'run: node benchmarks/doctor-peers.js --render')
})
