'use strict'

// The answers of native code to all caches, as written by src/node/cache/answer.rs.

/**
 * The answer of native code about an id.
 * @typedef {object} Answer
 * @property {import('./near-cache').Copy<any> | undefined} copy to be served now
 * @property {import('./flight').Flight | undefined} flight to wait for or, if there is a copy, to lead in the background
 * @property {boolean} leads
 * @property {unknown} previous the last known value, for the loader
 * @property {{ bytes: Buffer | null } | undefined} [failing] the error to be served, if it comes from native code
 */

// Indexes of words, and kinds of answers.
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

/** The words of the latest answer. Read them before calling anything else. */
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
