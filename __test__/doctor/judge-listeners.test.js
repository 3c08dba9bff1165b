'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { judge } = require('../../lib/doctor/judge/listeners.js')
const { FROM, TIME, facts, rows, stack } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../lib/doctor/facts').ListenerFact} ListenerFact
 * @typedef {import('../../lib/doctor/facts').IntervalFact} IntervalFact
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 */

const STACK = 'addListener node:events:500 < subscribe bus.js:7 < handler server.js:3'

/**
 * Returns 40 counts, four a second.
 * @param {(share: number) => number} count at a share of the time
 */
function counts(count) {
  return Array.from({ length: 40 }, (_, index) => ({
    at: FROM + index * 250,
    count: Math.round(count(index / 39))
  }))
}

/**
 * @param {(share: number) => number} count
 * @param {Partial<ListenerFact> & { sockets?: number }} [fields]
 * @returns {ListenerFact}
 */
function listeners(count, fields = {}) {
  return {
    kind: 'EventEmitter',
    type: 'data',
    emitter: 'Bus',
    emitters: 1,
    frames: stack(STACK),
    counts: counts(count),
    ...fields
  }
}

/** Grows by one for each of the 1,000 requests. @param {number} share */
const leak = share => 11 + 975 * share

/**
 * @param {ListenerFact[]} list
 * @param {Partial<ProcessFacts>} [fields]
 */
function judged(list, fields = {}) {
  return judge(facts([{ listeners: list, rows: rows(() => ({})), ...fields }]))
}

/** @param {ReturnType<typeof judge>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, function: name, line }) => `${id} ${confidence} ${name}:${line}`)
}

test('listeners that grow with the requests are certain, with the line that adds and the rates', () => {
  const [finding, ...others] = judged([listeners(leak)])
  assert.deepEqual(others, [])
  const { rule, title, file, line, confidence, evidence, fix } = finding
  assert.deepEqual(
    { rule, title, file, line, confidence },
    { rule: 2, title: 'growing listeners', file: '/srv/bus.js', line: 7, confidence: 'certain' }
  )
  assert.equal(
    evidence.text,
    'The "data" listeners of one Bus grew from 11 to 986 in 9.8 s, 100 a second and 1 for each request, and never decreased.'
  )
  const { from, to, grown, seconds, perRequest, emitters } = evidence
  assert.deepEqual(
    { from, to, grown, seconds, perRequest, emitters },
    { from: 11, to: 986, grown: 975, seconds: 9.75, perRequest: 1, emitters: 1 }
  )
  assert.match(fix, /pool\.run/)
})

test('growth that ends, falls back or is small is not a fault', () => {
  const bounded = (/** @type {number} */ share) => 11 + 500 * Math.min(1, share * 2)
  const slowing = (/** @type {number} */ share) => 11 + 500 * (1 - (1 - share) ** 6)
  const waves = (/** @type {number} */ share) => 200 + 180 * Math.sin(share * 40)
  const late = (/** @type {number} */ share) => (share < 0.9 ? 12 : 500)
  const few = (/** @type {number} */ share) => 11 + 20 * share
  const steady = () => 5000
  const peaks = (/** @type {number} */ share) => (Math.round(share * 39) % 5 === 1 ? 12 : leak(share))
  for (const count of [bounded, slowing, waves, late, few, steady, peaks]) {
    assert.deepEqual(judged([listeners(count)]), [], String(count))
    assert.deepEqual(judged([listeners(count)], { rows: [] }), [], `${count} without requests`)
  }
})

test('a leak is seen through coming and going listeners', () => {
  const noisy = (/** @type {number} */ share) => leak(share) + (Math.round(share * 39) % 3) * 30
  assert.deepEqual(brief(judged([listeners(noisy)])), ['listeners certain subscribe:7'])
})

test('growth without requests is judged by time', () => {
  const [finding] = judged([listeners(leak)], { rows: [] })
  assert.equal(finding.confidence, 'certain')
  assert.equal(finding.evidence.perRequest, undefined)
  assert.match(finding.evidence.text, /100 a second, and/)
})

test('a load that pauses or ends early does not hide a leak', () => {
  const isLoaded = (/** @type {number} */ index) => index < 8 || (index >= 16 && index < 24)
  let total = 11
  const growing = Array.from({ length: 40 }, (_, index) => {
    if (index > 0 && isLoaded(index - 1)) total += 25
    return { at: FROM + index * 250, count: total }
  })
  const loaded = rows(index => ({ requests: isLoaded(index) ? 25 : 0 }))
  assert.deepEqual(brief(judged([{ ...listeners(leak), counts: growing }], { rows: loaded })), [
    'listeners certain subscribe:7'
  ])
})

test('a number that has not doubled is a leak if each request adds one', () => {
  assert.equal(judged([listeners(share => 5000 + 975 * share)]).length, 1)
  assert.equal(judged([listeners(share => 5000 + 97 * share)]).length, 0)
})

test('one listener for each open connection is right', () => {
  assert.deepEqual(judged([listeners(leak, { sockets: 1000 })]), [])
  assert.equal(judged([listeners(leak, { sockets: 500 })]).length, 1)
  // Each of 100 sockets has many.
  assert.equal(judged([listeners(leak, { sockets: 1000, emitters: 100 })]).length, 1)
})

test('few counts say nothing', () => {
  assert.deepEqual(judged([{ ...listeners(leak), counts: listeners(leak).counts.slice(0, 4) }]), [])
  assert.deepEqual(judged([{ ...listeners(leak), counts: [] }]), [])
})

test('AbortSignals have a separate finding', () => {
  const [finding] = judged([listeners(leak, { kind: 'AbortSignal', emitter: 'AbortSignal', type: 'abort' })])
  assert.equal(finding.id, 'abort-signals')
  assert.match(finding.fix, /share one listener/)
})

test('a line is one finding, in all processes', () => {
  const list = [listeners(leak), listeners(share => leak(share) / 2, { type: 'error' })]
  const findings = judge(facts([{ listeners: list }, { listeners: list, pid: 11 }]))
  assert.deepEqual(brief(findings), ['listeners certain subscribe:7'])
  assert.equal(findings[0].evidence.emitters, 4)
  assert.match(findings[0].evidence.text, /4 emitters of this class have more than ten/)
})

test('without a line of the program a leak is likely', () => {
  const frames = stack('addListener node:events:500 < connect node_modules/driver/index.js:3')
  assert.deepEqual(brief(judged([listeners(leak, { frames })])), ['listeners likely connect:3'])
})

test('intervals that grow are likely', () => {
  const intervals = (/** @type {(share: number) => number} */ count, sockets = 0) => [
    { frames: stack('poll server.js:9'), counts: counts(count), sockets }
  ]
  const findingsOf = (/** @type {IntervalFact[]} */ list) => judge(facts([{ intervals: list, rows: rows(() => ({})) }]))
  const [finding, ...others] = findingsOf(intervals(share => 975 * share))
  assert.deepEqual(others, [])
  assert.deepEqual(brief([finding]), ['intervals likely poll:9'])
  assert.equal(
    finding.evidence.text,
    'The number of active intervals set on this line grew by 975 in 9.8 s, 100 a second and 1 for each request, and never decreased.'
  )
  assert.deepEqual(findingsOf(intervals(share => 975 * share, 1000)), [])
  assert.deepEqual(findingsOf(intervals(share => 100 * Math.min(1, share * 3))), [])
})

test('the counts cover the measurement', () => {
  assert.ok(counts(leak).at(-1)?.at === FROM + TIME - 250)
})
