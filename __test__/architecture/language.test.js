'use strict'

// Checks the rules of language that a regular expression can check, over all prose of the project.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { RULES, languageComplaints } = require('../support/language.js')
const { projectFiles } = require('../support/project-files.js')

/** Generated, recorded or quoted text. */
const EXEMPT =
  /^(lib\/native\/binding\.|benchmarks\/results\/|tests\/corpus\/[^/]+\/|__test__\/(support\/language\.js|architecture\/language\.test\.js)$)/

/** Phrases that a rule forbids and that are right where they stand. */
const ALLOWED = new Set([
  // "As soon as it is ready" is common English.
  '__test__/worker/batching.test.js "as it is"',
  '__test__/worker/batching.test.js "as they are"'
])

for (const { rule, pattern, sample } of RULES) {
  test(`${rule}: rejects ${sample}`, () => {
    assert.ok(
      languageComplaints({ 'lib/a.js': sample }).some(complaint => complaint.endsWith(rule)),
      String(pattern)
    )
  })
}

test('code and plain English pass', () => {
  const js =
    "// Returns the remaining bytes, or `undefined`.\nconst what = told.place // Where is it?\nf('in place of a')"
  const rust = '/// Returns the bytes.\nfn anew(nobody: u32) {}'
  assert.deepEqual(languageComplaints({ 'lib/a.js': js, 'src/a.rs': rust }), [])
})

test('the prose of the project follows the rules', () => {
  const files = Object.entries(projectFiles()).filter(([path]) => !EXEMPT.test(path))
  assert.ok(files.length > 300)
  const complaints = languageComplaints(Object.fromEntries(files))
  assert.deepEqual(
    complaints.filter(complaint => !ALLOWED.has(complaint.replace(/:\d+ ("[^"]*").*/, ' $1'))),
    []
  )
})
