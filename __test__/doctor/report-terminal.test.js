'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { terminal } = require('../../lib/doctor/report/terminal')
const { HOSTILE, ROOT, fixtureReport, readFixture, reportOf } = require('../support/doctor-reports')

const CONTROL_SEQUENCE = /\p{Cc}\[\d+m/gu
const widthOf = (/** @type {string} */ text) => Math.max(...text.split('\n').map(line => line.length))

test('the first screen is that of the fixture', () => {
  const page = 'file:///srv/shop/offloop-doctor/doctor.html'
  assert.equal(terminal(fixtureReport(), { root: ROOT, columns: 100, page, env: {} }), readFixture('terminal.txt'))
})

test('there are no colours unless the output is a terminal that has them', () => {
  const report = fixtureReport()
  const plain = terminal(report, { root: ROOT, env: {} })
  const colored = terminal(report, { root: ROOT, color: true, env: { TERM: 'xterm' } })
  assert.equal(plain.includes('\x1b'), false)
  assert.ok(colored.includes('\x1b[31m✖ 1\x1b[39m'))
  assert.equal(colored.replaceAll(CONTROL_SEQUENCE, ''), plain)
  assert.equal(terminal(report, { root: ROOT, color: true, env: { NO_COLOR: '1' } }), plain)
  assert.equal(terminal(report, { root: ROOT, color: true, env: { TERM: 'dumb' } }), plain)
  assert.equal(terminal(report, { root: ROOT, color: true, env: { NO_COLOR: '' } }), colored)
})

for (const columns of [1, 40, 61, 80, 120, 500]) {
  test(`lines are broken at ${columns} columns`, () => {
    const width = Math.max(40, Math.min(columns, 120))
    const plain = terminal(fixtureReport(), { root: ROOT, columns, env: {} })
    assert.ok(widthOf(plain) <= width, plain)
    const colored = terminal(fixtureReport(), { root: ROOT, columns, color: true, env: {} })
    assert.equal(colored.replaceAll(CONTROL_SEQUENCE, ''), plain)
    assert.ok(widthOf(terminal(reportOf(HOSTILE), { root: ROOT, columns, env: {} })) <= width)
  })
}

test('text of the program cannot control the terminal', () => {
  const text = terminal(reportOf(HOSTILE), { root: ROOT, env: {} })
  assert.equal(/[^\P{Cc}\n]|\p{Cf}|\p{Cs}|[\u2028\u2029]/u.test(text), false)
  assert.ok(text.includes('\\x1b[31m'))
})

test('a long name is shortened', () => {
  const report = fixtureReport()
  report.findings[0].function = 'f'.repeat(100_000)
  const lines = terminal(report, { root: ROOT, env: {} }).split('\n')
  assert.ok(lines.some(line => /f{20}…f{20}/.test(line)))
  assert.ok(lines.length < 50)
})

test('findings beyond the first ten are counted', () => {
  const report = fixtureReport()
  report.findings = Array.from({ length: 13 }, () => report.findings[0])
  const text = terminal(report, { root: ROOT, env: {} })
  assert.equal(text.match(/✖ 1 /g)?.length, 10)
  assert.ok(text.includes('and 3 findings more in the report'))
})

test('an inconclusive run says why', () => {
  const report = {
    ...fixtureReport(),
    verdict: /** @type {const} */ ('inconclusive'),
    reason: '12 requests are too few',
    findings: []
  }
  const text = terminal(report, { root: ROOT, env: {} })
  assert.match(text, /^\? Inconclusive: 12 requests are too few$/m)
  assert.equal(text.includes('nothing found'), false)
  report.rules = report.rules.map(rule => ({ ...rule, looked: false, reason: 'nothing was measured' }))
  assert.match(terminal(report, { root: ROOT, env: {} }), /^– all rules: not checked, nothing was measured$/m)
})

test('a rule that found something is not among those that found nothing', () => {
  const text = terminal(fixtureReport(), { root: ROOT, columns: 120, env: {} })
  const clean = /^✔ (.*): checked, no findings$/m.exec(text)?.[1].split(', ')
  assert.deepEqual(clean, ['duplicate calls', 'listeners', 'backpressure', 'await loop', 'worker per request'])
})
