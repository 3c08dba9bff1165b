'use strict'

// SARIF, Markdown and the commands of GitHub.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { github } = require('../../lib/doctor/report/github')
const { markdown } = require('../../lib/doctor/report/markdown')
const { sarif } = require('../../lib/doctor/report/sarif')
const { HOSTILE, ROOT, fixtureReport, reportOf } = require('../support/doctor-reports')

const INVISIBLE = /[^\P{Cc}\n]|\p{Cf}|\p{Cs}|[\u2028\u2029]/u

/** @param {import('../../doctor').Report} report */
function runOf(report, root = ROOT) {
  return JSON.parse(sarif(report, { root })).runs[0]
}

/** @param {import('../../doctor').Report} report */
function fingerprintsOf(report, root = ROOT) {
  return runOf(report, root).results.map((/** @type {any} */ it) => it.partialFingerprints['offloopFinding/v1'])
}

test('SARIF has a result for each finding, with its rule, level and relative location', () => {
  const report = fixtureReport()
  const { tool, results, originalUriBaseIds } = runOf(report)
  assert.deepEqual(originalUriBaseIds, { SRCROOT: { uri: 'file:///srv/shop/' } })
  assert.deepEqual(
    results.map((/** @type {any} */ it) => it.level),
    ['error', 'error', 'warning', 'note']
  )
  for (const { ruleId, ruleIndex } of results) assert.equal(tool.driver.rules[ruleIndex].id, ruleId)
  assert.equal(new Set(tool.driver.rules.map((/** @type {any} */ it) => it.id)).size, tool.driver.rules.length)
  assert.deepEqual(results[0].locations[0].physicalLocation, {
    artifactLocation: { uri: 'app/auth.js', uriBaseId: 'SRCROOT' },
    region: { startLine: 12, startColumn: 9 }
  })
  assert.equal(results[1].stacks[0].frames[1].location.message.text, 'async report')
})

test('each result of SARIF has a line of the project, as GitHub requires', () => {
  const report = fixtureReport()
  report.findings[0].file = '/opt/other/a b#c.js'
  report.findings[1].file = 'node:internal/fs'
  report.findings[2] = { ...report.findings[2], file: '/srv/shop/app/100% [id].js', line: 0, column: 0 }
  const locations = (/** @type {typeof report} */ it) =>
    runOf(it).results.map((/** @type {any} */ result) => result.locations.map(locationOf))
  const locationOf = (/** @type {any} */ { physicalLocation: { artifactLocation, region } }) => {
    assert.equal(artifactLocation.uriBaseId, 'SRCROOT')
    return `${artifactLocation.uri}:${region.startLine}`
  }
  const [script, odd] = ['server.js:1', 'app/100%25%20%5Bid%5D.js:1']
  assert.deepEqual(locations(report), [[script], [script], [odd], [script]])
  for (const process of report.processes) process.script = ''
  const file = 'package.json:1'
  assert.deepEqual(locations(report), [[file], [file], [odd], [file]])
  assert.match(runOf(report).results[0].message.text, /^race at \/opt\/other\/a b#c\.js:12: /)
  assert.doesNotMatch(sarif(report, { root: ROOT }), /"uri": "node:/)
})

test('SARIF of a run on Windows has URIs with slashes', () => {
  const report = fixtureReport()
  report.findings[0].file = 'C:\\srv\\Shop\\app\\auth.js'
  report.findings[1].file = 'D:\\other\\a.js'
  const { results, originalUriBaseIds } = runOf(report, 'c:\\srv\\shop')
  assert.equal(originalUriBaseIds.SRCROOT.uri, 'file:///c:/srv/shop/')
  assert.equal(results[0].locations[0].physicalLocation.artifactLocation.uri, 'app/auth.js')
  assert.equal(results[1].locations[0].physicalLocation.artifactLocation.uri, 'package.json')
})

test('a fingerprint stays when lines or the folder change, and differs between findings', () => {
  const report = fixtureReport()
  report.findings.push(report.findings[0])
  const before = fingerprintsOf(report)
  assert.equal(new Set(before).size, 5)
  for (const finding of report.findings) {
    finding.line += 10
    finding.file = finding.file.replace(ROOT, '/home-of/ci')
  }
  assert.deepEqual(fingerprintsOf(report, '/home-of/ci'), before)
  report.findings[0] = { ...report.findings[0], function: 'other' }
  assert.notEqual(fingerprintsOf(report, '/home-of/ci')[0], before[0])
})

test('SARIF of an inconclusive run says so', () => {
  const report = {
    ...fixtureReport(),
    verdict: /** @type {const} */ ('inconclusive'),
    reason: 'too few requests',
    findings: []
  }
  const [{ executionSuccessful, toolExecutionNotifications }] = runOf(report).invocations
  assert.equal(executionSuccessful, false)
  assert.equal(toolExecutionNotifications[0].message.text, 'Inconclusive: too few requests')
})

test('SARIF does not make links of hostile text', () => {
  const { results } = runOf(reportOf(HOSTILE))
  const { text } = results[0].message
  assert.ok(text.includes('\\[link\\](javascript'))
  assert.equal(INVISIBLE.test(text), false)
  assert.ok(JSON.parse(sarif(reportOf(HOSTILE), { root: ROOT })))
})

test('Markdown has a section for each finding, in order', () => {
  const text = markdown(fixtureReport(), { root: ROOT })
  assert.deepEqual(text.match(/^#+ .*/gm), [
    '# offloop doctor: 4 findings: 2 certain, 1 likely, 1 possible',
    '## 1. race (certain)',
    '## 2. CPU in a handler (certain)',
    '## 3. heap grows (likely)',
    '## 4. thread pool full (possible)',
    '## Conditions',
    '## Routes',
    '## Growing containers',
    '## Checks'
  ])
  assert.ok(text.includes('- line: `app/report.js:31`'))
  assert.ok(text.includes('\nat async report (app/report.js:44)\n'))
  assert.ok(text.includes('Fix: `new Cache({ load: createSession }).get(userId)`'))
})

test('Markdown escapes hostile text', () => {
  const text = markdown(reportOf(HOSTILE), { root: ROOT })
  assert.equal(INVISIBLE.test(text), false)
  const { fences, prose, rows } = partsOf(text)
  assert.equal(fences % 2, 0)
  assert.ok(rows.length > 5)
  // All columns of a table are there, and no other.
  for (const row of rows) assert.ok([3, 4, 7].includes(row.split(/(?<!\\)\|/).length - 2), row)
  assert.equal(/<(?!\/?$)/.test(prose), false)
  assert.equal(/(?<!\\)\[/.test(prose), false)
  assert.equal(text.match(/^#+ /gm)?.length, 9)
})

/** Separates Markdown into code and prose, as its readers do. @param {string} text */
function partsOf(text) {
  /** @type {string | undefined} */
  let fence
  let fences = 0
  const lines = text.split('\n').filter(line => {
    const marker = /^`{3,}/.exec(line)?.[0]
    if (fence === undefined ? marker !== undefined && line === `${marker}text` : line === fence) {
      fence = fence === undefined ? marker : undefined
      fences++
      return false
    }
    return fence === undefined
  })
  // A span of code ends at a run of backticks as long as the one that begins it.
  const prose = lines.join('\n').replace(/(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, '')
  return { fences, prose, rows: lines.filter(line => line.startsWith('|')) }
}

test('GitHub gets a command for each finding and failed condition', () => {
  const lines = github(fixtureReport(), { root: ROOT }).trimEnd().split('\n')
  assert.deepEqual(
    lines.map(line => line.slice(0, line.indexOf('::', 2))),
    [
      '::error file=app/auth.js,line=12,col=9,title=offloop 1%3A race (certain)',
      '::error file=app/report.js,line=31,col=17,title=offloop 6%3A CPU in a handler (certain)',
      '::warning file=app/store.js,line=7,col=3,title=offloop 5%3A heap grows (likely)',
      '::notice title=offloop pool-wait%3A thread pool full (possible)',
      '::error title=offloop doctor',
      '::error title=offloop doctor'
    ]
  )
  assert.ok(lines[1].includes('58 %25 of its time'))
  assert.ok(lines[1].includes('%0AFix: '))
  assert.ok(lines[4].endsWith('::block.p99>50ms failed: 61 ms'))
  assert.ok(lines[5].endsWith('::findings of confidence certain failed: 2'))
})

test('GitHub gets no file that is not in the repository', () => {
  const report = fixtureReport()
  report.findings[0].file = '/opt/other.js'
  report.findings[1].file = 'node:fs'
  const lines = github(report, { root: ROOT }).split('\n')
  assert.match(lines[0], /^::error title=/)
  assert.match(lines[1], /^::error title=/)
})

test('GitHub gets no command out of hostile text', () => {
  const text = github(reportOf(HOSTILE), { root: ROOT })
  assert.equal(INVISIBLE.test(text), false)
  const lines = text.trimEnd().split('\n')
  assert.equal(lines.length, 6)
  for (const line of lines) {
    const [, properties] = /^::(?:error|warning|notice) (.*?)::/.exec(line) ?? []
    const names = properties.split(',').map(it => it.split('=')[0])
    assert.deepEqual(new Set(names).size, names.length, line)
    assert.equal(properties.includes(':'), false)
  }
})

test('a clean report has no commands', () => {
  const report = { ...fixtureReport(), verdict: /** @type {const} */ ('clean'), findings: [], conditions: [] }
  assert.equal(github(report, { root: ROOT }), '')
})
