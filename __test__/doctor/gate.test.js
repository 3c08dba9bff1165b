'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { exitCode, outcomes, parseCondition, valueText } = require('../../lib/doctor/gate')

/**
 * @param {object} fields
 * @returns {any}
 */
function reportOf(fields) {
  const blocks = { p50: 1, p99: 40, max: 60, total: 900 }
  return {
    verdict: 'clean',
    findings: [],
    conditions: [],
    loop: { hold: { p50: 1, p99: 12 }, utilization: 0.5, blocks: { own: blocks, wall: { ...blocks, p99: 80 } } },
    gc: { share: 0.12, longest: 30 },
    heap: { growth: 2e6 },
    request: { p99: 15, errors: 3 },
    ...fields
  }
}

/**
 * @param {any} report
 * @param {string} text
 */
function outcome(report, text) {
  const failure = parseCondition(text)
  assert.ok(typeof failure === 'object', `${failure}`)
  return outcomes(report, [failure])[0]
}

for (const [text, failed] of /** @type {const} */ ([
  ['block.p99>50ms', false],
  ['block.p99>39', true],
  ['own.block.p99 > 39ms', true],
  ['wall.block.p99>50ms', true],
  ['block.total>1s', false],
  ['block.max>=60', true],
  ['block.max>60', false],
  ['loop.utilization>40%', true],
  ['gc.share>12%', false],
  ['gc.share>=12%', true],
  ['gc.max>0.05s', false],
  ['heap.growth>1MB/s', true],
  ['heap.growth>2100KB/s', false],
  ['heap.growth>1000000', true],
  ['loop.utilization>0.4', true],
  ['request.p99<20ms', true],
  ['request.errors>0', true],
  ['findings>0', false]
])) {
  test(`${text} ${failed ? 'fails' : 'holds'}`, () => {
    assert.deepEqual(outcome(reportOf({}), text).failed, failed)
  })
}

test('a wrong condition has a reason', () => {
  for (const [text, reason] of [
    ['sure', /is not a condition: use certain, likely, possible, none/],
    ['block.p95>50ms', /"block.p95" is not one of block.p99/],
    ['block.p99>50min', /"block.p99>50min": the units are ms, s, not "min"/],
    ['block.p99>50MB', /the units are ms, s, not "MB"/],
    ['block.p99>1.2.3ms', /"1.2.3" is not a number/],
    ['gc.share>5ms', /the units are %, not "ms"/],
    ['loop.utilization>80', /"loop.utilization>80": a share is at most 1, which is 100 %, not 80/],
    ['loop.utilization>101%', /a share is at most 1, which is 100 %, not 101%/],
    ['heap.growth>1%', /the units are B\/s, KB\/s, MB\/s, not "%"/],
    ['heap.growth>1MB', /the units are B\/s, KB\/s, MB\/s, not "MB"/],
    ['findings>50%', /"findings>50%": a number without a unit is expected, not "50%"/],
    ['wall.heap.growth>1', /"wall.heap.growth>1": only figures of blocks can begin with wall\./],
    ['constructor>1', /is not one of/]
  ]) {
    assert.match(String(parseCondition(/** @type {string} */ (text))), /** @type {RegExp} */ (reason))
  }
})

test('findings fail from their confidence on', () => {
  const report = reportOf({ findings: [{ confidence: 'likely' }, { confidence: 'possible' }] })
  assert.deepEqual(outcome(report, 'certain'), { condition: 'certain', value: 0, failed: false })
  assert.deepEqual(outcome(report, 'likely'), { condition: 'likely', value: 1, failed: true })
  assert.deepEqual(outcome(report, 'possible'), { condition: 'possible', value: 2, failed: true })
  assert.deepEqual(outcome(report, 'none'), { condition: 'none', value: 0, failed: false })
})

test('the value of a condition has the unit of the condition, and is rounded', () => {
  const texts = {
    'gc.share>10%': [0.2476760107215177, '24.8 %'],
    'gc.share>0.1': [0.2476760107215177, '0.25'],
    'heap.growth>1MB/s': [27789.9, '0.028 MB/s'],
    'heap.growth>1': [27789.9, '27,790 B/s'],
    'request.p99>0.5s': [381, '0.38 s'],
    'wall.block.p99>50': [61.234, '61.2 ms'],
    'request.p99>500ms': [1234567.8, '1,234,568 ms'],
    'request.p99>1s': [1000.4, '1.0004 s'],
    'request.p99>=1s': [1000, '1 s'],
    'findings>0': [3, '3'],
    likely: [2, '2'],
    'of another version': [0.123456, '0.123456']
  }
  for (const [condition, [value, text]] of Object.entries(texts)) {
    assert.equal(valueText({ condition, value, failed: true }), text, condition)
  }
})

test('exit codes', () => {
  const failed = { condition: 'likely', value: 1, failed: true }
  assert.equal(exitCode(reportOf({})), 0)
  assert.equal(exitCode(reportOf({ conditions: [failed] })), 1)
  assert.equal(exitCode(reportOf({ verdict: 'inconclusive' })), 3)
  assert.equal(exitCode(reportOf({ verdict: 'inconclusive', conditions: [failed] })), 1)
})
