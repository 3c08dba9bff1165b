'use strict'

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

/** @typedef {import('../../doctor').Report} Report */

const FOLDER = join(__dirname, '..', 'fixtures', 'doctor')
/** Folder of the program in the fixture. */
const ROOT = '/srv/shop'
/** Strings whose values a format knows. */
const FIXED = new Set(['confidence', 'verdict', 'role'])
/** Names, paths and keys of a program that break out of each format, if they are not escaped. */
const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '--><!--',
  ']]>',
  '"onfocus="alert(1)"autofocus="',
  "'",
  '````',
  ',line=1,title=x::',
  '[link](javascript:alert(1))',
  '`',
  '| cell |',
  '\x1b[31m\x1b]8;;http://127.0.0.1\x07\x9b2J',
  '\r\n::error file=a.js::injected\n# heading\n',
  '\u202egnp.\u2066',
  '\u2028\u2029\0',
  '\ud800',
  '%0A{0}{{1}}'
].join('')

/** Returns a report with a finding of each confidence. @returns {Report} */
function fixtureReport() {
  return JSON.parse(readFixture('report.json'))
}

/** @param {string} name */
function readFixture(name) {
  return readFileSync(join(FOLDER, name), 'utf8')
}

/**
 * Returns a report all of whose strings are the given one.
 * @param {string} text
 * @returns {Report}
 */
function reportOf(text) {
  return JSON.parse(JSON.stringify(fixtureReport()), (key, value) =>
    typeof value === 'string' && !FIXED.has(key) ? text : value
  )
}

/**
 * Returns a profile of one call with chains of callees.
 * @param {number} count
 * @param {number} [chains]
 * @returns {Report['flame']}
 */
function profileOf(count, chains = 50) {
  const nodes = Array.from({ length: count }, (_, index) => ({
    parent: index === 0 ? -1 : Math.max(0, index - chains),
    name: `call${index}`,
    file: `${ROOT}/app/part${index % 50}.js`,
    line: index + 1,
    self: 1 + (index % 7)
  }))
  return { nodes, samples: count }
}

module.exports = { HOSTILE, ROOT, fixtureReport, profileOf, readFixture, reportOf }
