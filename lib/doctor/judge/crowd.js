'use strict'

// Distinguishes one long call from many short calls that a saturated loop runs in one iteration. Both make iterations long and have the
// same stacks, but only a long call is a fault of the called function.

const { groupBy, heaviest, measuredTime, timeOf } = require('./groups')
const { requestCount, utilizationOf } = require('./processes')
const { sum } = require('./statistics')

/**
 * @typedef {import('./parts').Part} Part
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 */

/** Minimum duration of a long call, as a share of the threshold. */
const LONG = 0.5
/** Share of the threshold below which a call is short; also the minimum time per request of long calls if the routes are unknown. */
const SHORT = 0.25
/** Share of blocks with long calls below which these blocks are exceptions. */
const RARE = 0.1
/** Minimum number of calls between two stacks that can prove the calls short. */
const LEAST_CALLS = 2
/** Minimum utilization of a saturated loop. */
const FULL = 0.8
/** Share of the time in callbacks of immediates, and number of samples with pending immediates, from which these count as slices. */
const SLICED = 0.25
const LEAST_SAMPLES = 3
const TIMERS = 'node:internal/timers'

/**
 * Returns whether the parts are those of many short calls rather than of long ones.
 * @param {readonly Part[]} parts of one function
 * @param {Setup} setup
 */
function isCrowd(parts, setup) {
  const [{ process }] = heaviest(parts, part => part.process, timeOf)
  if (requestCount(process) === 0 || isLong(parts, setup)) return false
  const proofs = groupBy(parts, ({ block }) => block).map(([part]) => proofOf(part, setup.threshold))
  const long = proofs.filter(proof => proof === 'long').length
  const short = proofs.filter(proof => proof === 'short').length
  // A garbage collection may make a short call look long.
  if (long + short > 0) return long < (long + short) * RARE
  return isFull(process, setup) || isBusyWithOthers(parts, setup)
}

/**
 * Returns whether requests hold the loop for long on average. If the routes that caused the parts are known, only their requests count.
 * @param {readonly Part[]} parts
 * @param {Setup} setup
 */
function isLong(parts, { threshold }) {
  const processes = groupBy(parts, ({ process }) => process).map(([{ process }]) => process)
  const known = parts.filter(({ block }) => block.request !== undefined)
  const isKnown = sum(known.map(timeOf)) > sum(parts.map(timeOf)) / 2
  const names = new Set(known.map(({ block }) => routeKey(block.request)))
  const ofRoutes = processes.flatMap(({ requests }) => requests.routes.filter(route => names.has(routeKey(route))))
  if (isKnown && ofRoutes.length > 0) {
    return sum(known.map(timeOf)) >= sum(ofRoutes.map(({ count }) => count)) * threshold * LONG
  }
  return sum(parts.map(timeOf)) >= sum(processes.map(requestCount)) * threshold * SHORT
}

/**
 * Returns whether the calls of a group yield to the event loop in time: an iteration is long only because it runs a slice of each call that
 * waits as an immediate.
 * @param {{ parts: readonly Part[], time: number }} group
 * @param {number} duration of an iteration, in milliseconds
 * @param {Setup} setup
 */
function yields({ parts, time }, duration, { threshold }) {
  const isSlice = (/** @type {Part} */ { frames }) =>
    frames.some(({ name, file }) => name === 'processImmediate' && file === TIMERS)
  if (sum(parts.filter(isSlice).map(timeOf)) < time * SLICED) return false
  const [{ process }] = heaviest(parts, part => part.process, timeOf)
  const pending = process.rows.map(({ immediates = 0 }) => immediates).filter(count => count > 0)
  return pending.length >= LEAST_SAMPLES && duration / (sum(pending) / pending.length) < threshold
}

/** @param {{ method: string, route: string } | undefined} it */
function routeKey(it) {
  return it && `${it.method} ${it.route}`
}

/**
 * Returns whether the calls of a block are long or short, by the requests that began or ended between its stacks.
 * @param {Part} part of the block
 * @param {number} threshold
 */
function proofOf({ block, work }, threshold) {
  const { samples, duration, progress, gc } = block
  // Native code ran from the request of a stack to its capture.
  const isNative = samples.some(({ lateness }) => ((lateness - gc) * work) / duration >= threshold * LONG)
  if (isNative) return 'long'
  if (progress === undefined) return 'unknown'
  const intervals = samples.map(({ at, lateness }, index) => {
    const next = samples[index + 1]
    const end = next === undefined ? duration : next.at + next.lateness
    // `progress` counts each request twice: when it begins and when it ends.
    return { length: ((end - at - lateness) * work) / duration, calls: (progress[index + 1] - progress[index]) / 2 }
  })
  const isLong = intervals.some(({ length, calls }) => length >= Math.max(1, calls) * threshold * LONG)
  const isShort = intervals.some(({ length, calls }) => calls >= LEAST_CALLS && length < calls * threshold * SHORT)
  return isLong ? 'long' : isShort ? 'short' : 'unknown'
}

/**
 * Returns whether the loop is saturated: its iterations are almost as long as blocks, although each request takes little time.
 * @param {ProcessFacts} process
 * @param {Setup} setup
 */
function isFull(process, { threshold, seconds }) {
  const { loop } = process
  const utilization = utilizationOf(process)
  if (loop === undefined || utilization < FULL || loop.hold.p50 < threshold * LONG) return false
  const busy = utilization * measuredTime(process, seconds)
  return busy / requestCount(process) < threshold * LONG
}

/**
 * Returns whether many requests begin within the blocks, which shows that each request is short.
 * @param {readonly Part[]} parts
 * @param {Setup} setup
 */
function isBusyWithOthers(parts, { threshold }) {
  const isSynchronous = (/** @type {Part} */ { frames }) =>
    frames.some(({ name, file }) => name === 'parserOnIncoming' && file.startsWith('node:'))
  const blocks = groupBy(parts.filter(isSynchronous), ({ block }) => block).map(([{ block, work }]) => ({
    block,
    work
  }))
  const rest = sum(
    blocks.map(({ block: { samples, duration }, work }) => {
      return ((duration - samples[0].at - samples[0].lateness) * work) / duration
    })
  )
  const begun = sum(blocks.map(({ block }) => block.waited))
  return blocks.length > 0 && begun >= blocks.length * 3 && rest / begun < threshold * SHORT
}

module.exports = { isCrowd, routeKey, yields }
