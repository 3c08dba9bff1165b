'use strict'

// Adds to a report why it says less than its findings suggest.

const { errorsOf } = require('./errors')

/** @typedef {import('../../doctor').Report} Report */

/**
 * Returns what a report must say besides its findings: how the run failed or, if it did not fail, that most requests did.
 * @param {import('./facts').Facts} facts
 * @param {string} [failure]
 */
function caveatsOf(facts, failure) {
  return [failure ?? errorsOf(facts) ?? []].flat()
}

/**
 * Returns a report with further reasons. Findings stay valid; without findings, the run is inconclusive.
 * @param {Report} report
 * @param {readonly string[]} caveats sentences without a full stop
 * @returns {Report}
 */
function withCaveats(report, caveats) {
  if (caveats.length === 0) return report
  const reasons = [...caveats.map(uncapitalized), ...(report.reason === undefined ? [] : [report.reason])]
  return {
    ...report,
    verdict: report.verdict === 'clean' ? 'inconclusive' : report.verdict,
    reason: reasons.join('; ')
  }
}

/** @param {string} text */
function uncapitalized(text) {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

module.exports = { caveatsOf, withCaveats }
