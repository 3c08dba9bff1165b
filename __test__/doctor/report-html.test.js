'use strict'

// The text of the page. report-page.test.js opens it in a browser.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { html } = require('../../lib/doctor/report/html')
const { smallestDropped } = require('../../lib/doctor/report/html/flame')
const { HOSTILE, ROOT, fixtureReport, profileOf, reportOf } = require('../support/doctor-reports')

const MAX_BYTES = 2_000_000

/**
 * Returns the contents of the elements of a kind, in order.
 * @param {string} page
 * @param {'script' | 'style'} name
 */
function contentsOf(page, name) {
  return [...page.matchAll(new RegExp(`<${name}[^>]*>([\\s\\S]*?)</${name}>`, 'g'))].map(([, content]) => content)
}

/** Returns the JSON of the charts and that of the report. @param {string} page */
function dataOf(page) {
  const [charts, report] = contentsOf(page, 'script').map((text, index) => (index < 2 ? JSON.parse(text) : undefined))
  return { charts, report }
}

/** @param {readonly { self: number }[]} nodes */
function timeOf(nodes) {
  return nodes.reduce((sum, { self }) => sum + self, 0)
}

test('the policy allows the style and the script of the page alone', () => {
  const page = html(fixtureReport(), { root: ROOT })
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]
  const hash = (/** @type {string} */ text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const [style, ...styles] = contentsOf(page, 'style')
  const scripts = contentsOf(page, 'script')
  assert.deepEqual([styles.length, scripts.length], [0, 3])
  assert.equal(
    policy,
    `default-src 'none'; style-src ${hash(style)}; script-src ${hash(scripts[2])}; img-src data:; base-uri 'none'; form-action 'none'`
  )
  assert.equal(
    /\sstyle=|\son\w+="|src="(?!data:)|https?:\/\/(?!www\.w3\.org)/.test(
      page.replace(/<script[\s\S]*?<\/script>|<footer>[\s\S]*<\/footer>/g, '')
    ),
    false
  )
})

test('the text of the page has each finding', () => {
  const page = html(fixtureReport(), { root: ROOT })
  assert.equal(page.match(/<article /g)?.length, 4)
  for (const text of [
    'heavyCompute',
    'app/report.js:31',
    '1,204 other requests waited',
    'async report (app/report.js:44)'
  ]) {
    assert.ok(page.includes(text), text)
  }
  assert.ok(page.includes('href="vscode://file/srv/shop/app/report.js:31:17"'))
})

test('the guilty line is marked in an excerpt of its source', () => {
  const source = Array.from({ length: 40 }, (_, index) => `line ${index + 1} <b>`).join('\n')
  const sourceOf = (/** @type {string} */ file) => (file === '/srv/shop/app/report.js' ? source : undefined)
  const page = html(fixtureReport(), { root: ROOT, sourceOf })
  assert.equal(page.match(/<mark>/g)?.length, 1)
  assert.match(page, /<mark><span class="number">31<\/span> line 31 &lt;b&gt;<\/mark>/)
  assert.ok(page.includes('line 28 &lt;b&gt;') && page.includes('line 34 &lt;b&gt;'))
  assert.equal(page.includes('line 35 '), false)
  assert.equal(html(fixtureReport(), { root: ROOT, sourceOf: () => 'one line' }).includes('<mark>'), false)
})

test('excerpts are those of sources in the folder of the program', t => {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-sources-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const inside = join(folder, 'app')
  mkdirSync(inside)
  for (const file of ['app/a.js', 'app/.env', 'outside.js']) writeFileSync(join(folder, file), 'SECRET\n'.repeat(20))
  symlinkSync(join(folder, 'outside.js'), join(inside, 'link.js'))
  const files = {
    'app/a.js': 1,
    'app/.env': 0,
    'outside.js': 0,
    'app/../outside.js': 0,
    'app/missing.js': 0,
    'app/link.js': 0
  }
  for (const [file, count] of Object.entries(files)) {
    const report = fixtureReport()
    report.findings = [{ ...report.findings[0], file: `${folder}/${file}` }]
    assert.equal(html(report, { root: inside }).match(/<mark>/g)?.length ?? 0, count, file)
  }
})

test('hostile text is escaped', () => {
  const plain = html(reportOf('plain'), { root: ROOT, sourceOf: () => 'plain\n'.repeat(50) })
  const page = html(reportOf(HOSTILE), { root: ROOT, sourceOf: () => `${HOSTILE}\n`.repeat(50) })
  // The elements and attributes are those of a page with plain text.
  const tagsOf = (/** @type {string} */ text) => text.replace(/"[^"]*"/g, '""').match(/<\/?[a-z][^>]*>/g)
  const inBody = (/** @type {string} */ text) => text.slice(text.indexOf('<body>'), text.indexOf('<footer>'))
  assert.deepEqual(tagsOf(inBody(page)), tagsOf(inBody(plain)))
  assert.equal(contentsOf(page, 'script').length, 3)
  assert.equal(/[^\P{Cc}\n]|\p{Cf}|\p{Cs}/u.test(inBody(page)), false)
  assert.equal(/href="(?!#|vscode:\/\/file\/|data:)/.test(page), false)
  assert.equal(dataOf(page).report.findings[0].fix, HOSTILE)
})

test('the page holds the report', () => {
  const { charts, report } = dataOf(html(fixtureReport(), { root: ROOT }))
  assert.deepEqual(report, { ...fixtureReport(), timeline: [], flame: null })
  assert.equal(charts.timeline[0].at.length, 80)
  assert.equal(charts.timeline[0].requests[5], 164)
  assert.equal(charts.timeline[0].blocks.length, 24)
  assert.equal(charts.timeline[1].label, 'process 4711, thread 1')
  assert.deepEqual(charts.flame.selves, [0, 40, 55, 420, 120, 11600, 310.5])
})

test('a report without findings, requests, profile and figures makes a page', () => {
  const report = fixtureReport()
  Object.assign(report, {
    findings: [],
    conditions: [],
    routes: [],
    processes: [],
    downstream: [],
    timeline: [],
    rules: [],
    flame: null
  })
  report.verdict = 'clean'
  const page = html(report, { root: ROOT })
  assert.ok(page.includes('<h1>No findings</h1>'))
  assert.equal(page.includes('id="timeline"'), false)
  assert.equal(page.includes('id="profile"'), false)
})

test('a page of a large report is small, and lists the parts that it leaves out', () => {
  const report = fixtureReport()
  report.flame = profileOf(100_000)
  const [{ rows, blocks }] = report.timeline
  report.timeline[0].rows = Array.from({ length: 20_000 }, (_, index) => ({
    ...rows[index % 80],
    at: report.began + 250 * (index + 1)
  }))
  report.timeline[0].blocks = Array.from({ length: 1000 }, (_, index) => ({
    ...blocks[0],
    at: report.began + index,
    duration: index
  }))
  report.routes = Array.from({ length: 5000 }, (_, index) => ({ ...report.routes[0], route: `/route${index}` }))
  report.findings = Array.from({ length: 300 }, () => report.findings[0])
  const page = html(report, { root: ROOT })
  assert.ok(Buffer.byteLength(page) < MAX_BYTES)
  const note = /id="left-out">([^<]*)/.exec(page)?.[1] ?? ''
  assert.match(
    note,
    /100 findings; the JSON of the report; the 700 shortest blocks; the 90,000 smallest calls of the profile/
  )
  const { charts, report: embedded } = dataOf(page)
  assert.equal(embedded, null)
  assert.equal(charts.flame.names.length, 10_000)
  assert.equal(charts.timeline[0].at.length, 589)
  assert.equal(charts.timeline[0].blocks[0].duration, 700)
})

test('a page with long and different names is small', () => {
  const report = reportOf(`${HOSTILE}${'x'.repeat(5000)}`)
  const flame = profileOf(12_000)
  report.flame = flame && {
    ...flame,
    nodes: flame.nodes.map((node, index) => ({
      ...node,
      name: `${'n'.repeat(500)}${index}`,
      file: `${'f'.repeat(1000)}${index}`
    }))
  }
  assert.ok(Buffer.byteLength(html(report, { root: ROOT })) < MAX_BYTES)
})

test('dropping calls keeps the largest, their callers and all of the time', () => {
  const profile = profileOf(5000)
  const nodes = profile?.nodes ?? []
  const { nodes: kept, dropped } = smallestDropped(nodes, 300)
  assert.deepEqual([kept.length, dropped], [300, 4700])
  assert.equal(timeOf(kept), timeOf(nodes))
  assert.ok(kept.every(({ parent }, index) => parent < index))
  assert.equal(kept.filter(({ parent }) => parent === -1).length, 1)
})

test('calls whose callers come later, and calls without time, are kept in order', () => {
  const node = (/** @type {string} */ name, /** @type {number} */ parent, self = 0) => ({
    name,
    parent,
    self,
    file: '',
    line: 0
  })
  const nodes = [node('leaf', 2, 1), node('root', -1), node('middle', 1), node('empty', 2)]
  const namesOf = (/** @type {number} */ limit) =>
    smallestDropped(nodes, limit).nodes.map(({ name, parent }) => `${name} ${parent}`)
  assert.deepEqual(namesOf(10), ['root -1', 'middle 0', 'leaf 1', 'empty 1'])
  assert.deepEqual(namesOf(3), ['root -1', 'middle 0', 'leaf 1'])
  assert.deepEqual(namesOf(2), ['root -1', 'middle 0'])
  assert.equal(timeOf(smallestDropped(nodes, 1).nodes), 1)
})
