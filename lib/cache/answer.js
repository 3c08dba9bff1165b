'use strict'

// The answers of native code to all caches, as written by src/node/cache/answer.rs.

/**
 * The answer of native code about an id.
 * @typedef {object} Answer
 * @property {import('./near-cache').NearEntry<any> | undefined} entry to be served now
 * @property {import('./flight').Flight | undefined} flight to wait for or, if there is a copy, to lead in the background
 * @property {boolean} leads
 * @property {unknown} previous the last known value, for the loader
 * @property {{ bytes: Buffer | null } | undefined} [failing] the error to be served, if it comes from native code
 */

// Indexes of words, and kinds of answers.
const KIND = 0
const SLOT = 1
const FLIGHT_ID = 3
const REFRESH = 4
const FRESH = 5
const EVICTED_SLOT = 6
const EVICTION_REASON = 7
const WORDS = 8
const HIT = 1
const LEADS = 2
const STORED = 4
const FAILING = 5
const NO_SLOT = -1
const SEVERAL_EVICTED = -2
const DELETED = 3

/** The words of the latest answer. Read them before calling anything else. */
const out = new Float64Array(WORDS)

module.exports = {
  KIND,
  SLOT,
  FLIGHT_ID,
  REFRESH,
  FRESH,
  EVICTED_SLOT,
  EVICTION_REASON,
  HIT,
  LEADS,
  STORED,
  FAILING,
  NO_SLOT,
  SEVERAL_EVICTED,
  DELETED,
  out
}
