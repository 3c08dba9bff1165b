'use strict'

// Whether a long run leaves memory behind. V8 lets its young generation grow while much survives in it, whoever makes
// the promises: hence the run without offloop, and the one whose young generation has its full size from the start.

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

/** @typedef {import('../../row.js').Row} Row */

const child = join(__dirname, '../../long-run.js')
const FIXED = ['--min-semi-space-size=16', '--max-semi-space-size=16']

/**
 * @param {string} name
 * @param {string} work
 * @param {number} inFlight
 * @param {string[]} [flags]
 */
function contender(name, work, inFlight, flags = []) {
  return {
    name,
    async round() {
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, work, `${inFlight}`])
      return JSON.parse(stdout)
    }
  }
}

/**
 * @param {string} name
 * @param {number} inFlight
 * @param {import('../../row.js').Bar} [bar]
 * @returns {Row}
 */
function row(name, inFlight, bar) {
  return {
    name,
    what: `resident memory over 1,000,000 xxh3 digests of 64 KiB, ${inFlight} in flight`,
    once: true,
    measures: [
      { name: 'after 50,000', unit: 'MB' },
      { name: 'at the end', unit: 'MB' },
      { name: 'growth', unit: '×', bar },
      { name: 'V8 heap, after 50,000', unit: 'MB' },
      { name: 'V8 heap, at the end', unit: 'MB' }
    ],
    open: () => [
      contender('offloop', 'offloop', inFlight),
      contender('promises alone', 'promises', inFlight),
      contender('fixed semi-space', 'offloop', inFlight, FIXED)
    ]
  }
}

const rows = [row('memory', 64, { of: 'value', atMost: 1.1 }), row('memory-256', 256)]

module.exports = { rows }
