'use strict'

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { UsageError } = require('../../lib/doctor/options')
const { readReport } = require('../../lib/doctor/recorded')
const { fixtureReport } = require('../support/doctor-reports')

/**
 * @param {import('node:test').TestContext} t
 * @param {string} text
 */
function recorded(t, text) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-recorded-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'doctor.json')
  writeFileSync(file, text)
  return () => readReport(file)
}

test('a report is read, also with properties of later versions', t => {
  const report = { ...fixtureReport(), later: 1 }
  assert.deepEqual(recorded(t, JSON.stringify(report))(), report)
})

/**
 * Returns a report one of whose values is another one.
 * @param {string[]} path
 * @param {unknown} value
 */
function changed(path, value) {
  const report = fixtureReport()
  const last = /** @type {string} */ (path.at(-1))
  const holder = path.slice(0, -1).reduce((/** @type {any} */ it, name) => it[name], report)
  holder[last] = value
  return JSON.stringify(report)
}

for (const [text, message] of /** @type {const} */ ([
  ['{', /cannot be read: .*JSON/],
  ['null', /is not a report of the doctor: the report must be of type object, received null/],
  ['{}', /"version" is missing/],
  ['{ "version": 2 }', /is a report of version 2; this offloop reads version 1/],
  ['{ "version": "1" }', /"node" is missing/],
  ['{ "name": "a package" }', /"version" is missing/],
  [
    changed(['heap', 'containers', '0', 'entries'], 5),
    /"heap.containers\[0\].entries" must be of type array, received 5/
  ],
  [
    changed(['findings', '0', 'confidence'], 'sure'),
    /"findings\[0\].confidence" must be one of certain, .*received "sure"/
  ],
  [changed(['findings', '0', 'rule'], 9), /"findings\[0\].rule" must be/],
  [changed(['began'], 1e17), /"began" must be at most 8640000000000000, received 100000000000000000/],
  [
    changed(['findings', '0', 'evidence', 'also'], [null]),
    /"findings\[0\].evidence.also\[0\]" must be of type object, received null/
  ],
  [
    changed(['findings', '0', 'evidence', 'also'], [{ title: 'a', file: 'a.js', line: 'b', text: '' }]),
    /"findings\[0\].evidence.also\[0\].line" must be of type integer, received "b"/
  ],
  [changed(['flame'], []), /"flame" must be of type object, received an array/],
  [changed(['cost', 'parts', 'memory'], 'much'), /"cost.parts.memory" must be of type number, received "much"/]
])) {
  test(`${text.slice(0, 40)} is refused: ${message.source}`, t => {
    assert.throws(recorded(t, text), error => error instanceof UsageError && message.test(error.message))
  })
}
