'use strict'

// Answers of native code to all caches, as src/node/cache/answer.rs writes them.

/**
 * What native code says of an id.
 * @typedef {object} Answer
 * @property {import('./copies').Copy<any> | undefined} copy to be served now
 * @property {import('./flight').Flight | undefined} flight to wait for or, if there is a copy, to lead behind it
 * @property {boolean} leads
 * @property {unknown} previous what was known last, for whoever leads
 * @property {{ bytes: Buffer | null } | undefined} [failing] the error to be served, if it comes from native code
 */

// Words, and kinds of answers.
const KIND = 0
const SLOT = 1
const TOKEN = 3
const REFRESH = 4
const FRESH = 5
const GONE = 6
const REASON = 7
const WORDS = 8
const HIT = 1
const LEADS = 2
const STORED = 4
const FAILING = 5
const NO_SLOT = -1
const ASK = -2
const DELETED = 3

/** The words of the answer that came last: read before anything else is called. */
const out = new Float64Array(WORDS)

module.exports = {
  KIND,
  SLOT,
  TOKEN,
  REFRESH,
  FRESH,
  GONE,
  REASON,
  HIT,
  LEADS,
  STORED,
  FAILING,
  NO_SLOT,
  ASK,
  DELETED,
  out
}
