'use strict'

// Memory growth over a long run. V8 grows its young generation while many promises survive in it, with or without offloop:
// hence a run without offloop, and one whose young generation has its full size from the start.

const { processPerRound } = require('../../harness/process-per-round.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const FIXED = ['--min-semi-space-size=16', '--max-semi-space-size=16']

/**
 * @param {string} name
 * @param {number} inFlight
 * @param {import('../../harness/case.js').Target} [target]
 * @returns {Case}
 */
function memoryCase(name, inFlight, target) {
  return {
    name,
    what: `resident memory over 1,000,000 xxh3 digests of 64 KiB, ${inFlight} in flight`,
    once: true,
    onRequest: target === undefined,
    measures: [
      { name: 'after 50,000', unit: 'MB' },
      { name: 'at the end', unit: 'MB' },
      { name: 'growth', unit: '×', target },
      { name: 'V8 heap, after 50,000', unit: 'MB' },
      { name: 'V8 heap, at the end', unit: 'MB' }
    ],
    open: () => [
      processPerRound('offloop', 'long-run.js', ['offloop', `${inFlight}`]),
      processPerRound('promises alone', 'long-run.js', ['promises', `${inFlight}`]),
      processPerRound('fixed semi-space', 'long-run.js', ['offloop', `${inFlight}`], FIXED)
    ]
  }
}

const cases = [memoryCase('memory', 64, { of: 'value', atMost: 1.1 }), memoryCase('memory-256', 256)]

module.exports = { cases }
