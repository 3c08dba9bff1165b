'use strict'

// Adds to a report why it says less than its findings suggest.

/** @typedef {import('../../doctor').Report} Report */

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

module.exports = { withCaveats }
