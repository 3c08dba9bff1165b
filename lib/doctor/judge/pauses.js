'use strict'

// Finds long pauses of the garbage collector, and processes that spend much of their busy time in it.

const { lineOf, mostAllocated } = require('./allocations')
const { heaviest, measuredTime } = require('./groups')
const { starvedShare, utilizationOf } = require('./processes')
const { bytes, describe, duration, finding, percent, plural } = require('./sites')
const { largest, sum } = require('./statistics')

/**
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').Confidence} Confidence
 */

const rule = { rule: /** @type {const} */ (5), id: 'pauses', title: 'garbage collection pauses' }

/** Minimum durations of a pause and of a long pause, in milliseconds: three pauses are `certain`, a long one is `likely`. */
const PAUSE = 50
const LONG = 150
const PAUSES = 3
/** Shares of the busy time in collections above which the fault is certain, and a hint. Threads that fill the cores prolong collections. */
const CERTAIN_SHARE = 0.4
const NOTED_SHARE = 0.1
/** Minimum share of the whole time, and minimum time in milliseconds: an idle loop may spend most of its little busy time in collections. */
const LEAST_TIME = 0.05
const LEAST_TOTAL = 200
const STARVED = 0.2

const FIX =
  "new Cache({ max, storage: 'native' }) keeps values outside of V8's heap; " +
  'without offloop, keep fewer objects alive, or keep data in Buffers'

/**
 * @param {ProcessFacts} process
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judgePauses(process, setup) {
  const { rows } = process
  const total = gcTime(process)
  const measured = measuredTime(process, setup.seconds)
  const busy = utilizationOf(process) * measured
  const share = busy === 0 || total < Math.max(LEAST_TOTAL, LEAST_TIME * measured) ? 0 : Math.min(1, total / busy)
  const pauses = rows.map(({ longestGc }) => longestGc).filter(longest => longest > PAUSE)
  const confidence = confidenceOf(pauses, share, starvedShare(process, setup))
  if (confidence === undefined) return []
  const stack = interrupted(process)
  const allocated = mostAllocated(process.allocations)
  const longest = largest(rows.map(({ longestGc }) => longestGc))
  const by =
    allocated === undefined
      ? ''
      : ` ${describe(allocated.frame)} allocated the most live bytes: ${bytes(allocated.live)}.`
  const text =
    `Garbage collections took ${percent(busy === 0 ? 0 : Math.min(1, total / busy))} of the busy time of the loop ` +
    `(${duration(total)}); the longest pause was ${duration(longest)}.${by}`
  const many = `${plural(pauses.length, 'garbage collection pause')} over ${PAUSE} ms`
  return [
    finding({
      ...rule,
      title: pauses.length === 0 ? 'much time in garbage collection' : many,
      confidence,
      frames: stack ?? allocated?.frames ?? [],
      evidence: { text, share, total, longest, pauses: pauses.length },
      fix: FIX,
      time: total
    })
  ]
}

/**
 * @param {readonly number[]} pauses
 * @param {number} share
 * @param {number} starved
 * @returns {Confidence | undefined}
 */
function confidenceOf(pauses, share, starved) {
  // Starvation prolongs collections.
  if (pauses.length >= PAUSES || share > CERTAIN_SHARE) return starved > STARVED ? 'likely' : 'certain'
  if (largest(pauses) >= LONG) return 'likely'
  return pauses.length > 0 || share > NOTED_SHARE ? 'possible' : undefined
}

/** Returns the stack that collections interrupted most often, if stacks were captured. @param {ProcessFacts} process */
function interrupted({ blocks }) {
  const samples = blocks.filter(({ cause }) => cause === 'gc').flatMap(({ samples }) => samples)
  const ofProgram = samples.filter(({ frames }) => frames.some(({ isUser }) => isUser))
  return heaviest(ofProgram, lineOf, () => 1)[0]?.frames
}

/** Returns the time in collections, in milliseconds. @param {ProcessFacts} process */
function gcTime({ rows, loop }) {
  return rows.length > 0 ? sum(rows.map(({ gc }) => gc)) : (loop?.gc ?? 0)
}

module.exports = { gcTime, judgePauses, rule }
