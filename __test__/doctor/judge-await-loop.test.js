'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { judge } = require('../../lib/doctor/judge/await-loop.js')
const { fold } = require('../../lib/doctor/judge/fold.js')
const handler = require('../../lib/doctor/judge/handler.js')
const { SETUP, block, facts, loop, times } = require('../support/doctor-facts.js')

/** @typedef {import('../../lib/doctor/facts').FactBlock} FactBlock */

const LOOP = 'heavyValidation users.js:2 < async processUsers users.js:3 [for of] < async handler users.js:9'

/**
 * @param {FactBlock[]} blocks
 * @param {Partial<import('../../lib/doctor/facts').ProcessFacts>} [fields]
 */
function judged(blocks, fields = { requests: { count: 10, errors: 0, routes: [] } }) {
  return judge(facts([{ blocks, ...fields }]), SETUP)
}

/** @param {ReturnType<typeof judge>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, function: name, line }) => `${id} ${confidence} ${name}:${line}`)
}

test('the awaited call in the loop is guilty, and the callee is evidence', () => {
  const [finding, ...others] = judged(times(10, block(LOOP, { duration: 300, own: 300, waited: 4 })))
  assert.deepEqual(others, [])
  const { rule, file, line, function: name, confidence, time, evidence, fix } = finding
  assert.deepEqual(
    { rule, file, line, name, confidence, time },
    { rule: 4, file: '/srv/users.js', line: 3, name: 'processUsers', confidence: 'certain', time: 3000 }
  )
  assert.equal(
    evidence.text,
    'heavyValidation (users.js:2) computes, so awaiting it in a loop (for of) does not let the event loop continue. ' +
      'Held the loop 10 times, 300 ms each, the longest 300 ms: 30 % of the time; requests waited 40 times.'
  )
  assert.deepEqual([evidence.callee, evidence.loop, evidence.count], ['heavyValidation', 'for of', 10])
  assert.match(fix, /pool\.map/)
})

test('the function of the loop may be on the synchronous part of the stack', () => {
  const first = 'heavyValidation users.js:2 < processUsers users.js:3 [for] < async handler users.js:9'
  assert.deepEqual(brief(judged(times(3, block(first)))), ['await-loop certain processUsers:3'])
  // The argument of the call is computed.
  assert.deepEqual(brief(judged(times(3, block('processUsers users.js:3 [while]')))), [
    'await-loop certain processUsers:3'
  ])
})

test('a loop further out counts if it ends', () => {
  const deep = (/** @type {string} */ kind) => block(`compute a.js:2 < async check a.js:3 < async all a.js:4 [${kind}]`)
  assert.deepEqual(brief(judged(times(3, deep('for of')))), ['await-loop certain all:4'])
  // A consumer waits for events in each pass.
  for (const kind of ['for await', 'while']) assert.deepEqual(judged(times(3, deep(kind))), [])
  const direct = block('compute a.js:2 < async consume a.js:4 [for await]')
  assert.deepEqual(brief(judged(times(3, direct))), ['await-loop certain consume:4'])
})

test('three blocks, or a long one, are needed', () => {
  assert.deepEqual(judged(times(2, block(LOOP, { duration: 400, own: 400 }))), [])
  assert.deepEqual(brief(judged([block(LOOP, { duration: 500, own: 500 })])), ['await-loop certain processUsers:3'])
})

test('time without a core does not count', () => {
  assert.deepEqual(judged(times(9, block(LOOP, { duration: 300, own: 10, starved: 290, cause: 'starved' }))), [])
})

test('short loops of many requests are not accused', () => {
  const fields = { requests: { count: 4000, errors: 0, routes: [] }, loop: loop({ utilization: 0.95, hold: 39 }) }
  assert.deepEqual(judged(times(100, block(LOOP)), fields), [])
})

test('forEach and reduce with asynchronous functions are possible, and explained by the function that computes', () => {
  const blocks = times(10, block('compute a.js:2 < <anonymous> a.js:3 [forEach] < forEach < handler a.js:4'))
  assert.deepEqual(brief(judged(blocks)), ['await-loop possible <anonymous>:3'])
  const all = facts([{ blocks, requests: { count: 10, errors: 0, routes: [] } }])
  const findings = fold([...judge(all, SETUP), ...handler.judge(all, SETUP)])
  assert.deepEqual(brief(findings), ['handler certain compute:2'])
  assert.deepEqual(
    /** @type {any[]} */ (findings[0].evidence.also).map(({ id, line }) => `${id} ${line}`),
    ['await-loop 3']
  )
})

test('a loop decides over the function that it calls', () => {
  const all = facts([{ blocks: times(10, block(LOOP)), requests: { count: 10, errors: 0, routes: [] } }])
  assert.deepEqual(handler.judge(all, SETUP), [])
})

test('code without loops is left in peace', () => {
  assert.deepEqual(judged(times(10, block('heavyCompute a.js:2 < async handler a.js:3'))), [])
  assert.deepEqual(judged(times(10, block(''))), [])
})
