'use strict'

// Distinguishes one long call from many short calls that a saturated loop runs in one iteration. Both make long iterations with the
// same stacks, but only a long call is a fault of its function.

const { groupBy, heaviest, measuredTime, timeOf } = require('./groups')
const { requestCount, utilizationOf } = require('./processes')
const { sum } = require('./statistics')

/**
 * @typedef {import('./parts').Part} Part
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 */

/** Time for which a request with long calls holds the loop on average, as a share of the threshold. */
const LONG = 0.5
/** That share if the routes are unknown, and the share below which calls are short. */
const SHORT = 0.25
/** Share of blocks with long calls below which these are exceptions. */
const RARE = 0.1
/** Minimum number of calls between two stacks that proves the calls short. */
const LEAST_CALLS = 2
/** Utilization from which a loop may be saturated. */
const FULL = 0.8

/**
 * Returns whether the parts stand for many short calls rather than for long ones.
 * @param {readonly Part[]} parts of one function
 * @param {Setup} setup
 */
function isCrowd(parts, setup) {
  const [{ process }] = heaviest(parts, part => part.process, timeOf)
  if (requestCount(process) === 0 || isLong(parts, setup)) return false
  const proofs = groupBy(parts, ({ block }) => block).map(([part]) => proofOf(part, setup.threshold))
  const long = proofs.filter(proof => proof === 'long').length
  const short = proofs.filter(proof => proof === 'short').length
  // A garbage collection occasionally makes an interval long.
  if (long + short > 0) return long < (long + short) * RARE
  return isFull(process, setup) || isBusyWithOthers(parts, setup)
}

/**
 * Returns whether requests hold the loop for long on average: only those of the routes that caused the parts, if the routes are
 * known.
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
  // No JavaScript ran between the request of a stack and its capture.
  const isNative = samples.some(({ lateness }) => ((lateness - gc) * work) / duration >= threshold * LONG)
  if (isNative) return 'long'
  if (progress === undefined) return 'unknown'
  const intervals = samples.map(({ at, lateness }, index) => {
    const next = samples[index + 1]
    const end = next === undefined ? duration : next.at + next.lateness
    // A call that begins and ends a request counts twice in `progress`.
    return { length: ((end - at - lateness) * work) / duration, calls: (progress[index + 1] - progress[index]) / 2 }
  })
  const isLong = intervals.some(({ length, calls }) => length >= Math.max(1, calls) * threshold * LONG)
  const isShort = intervals.some(({ length, calls }) => calls >= LEAST_CALLS && length < calls * threshold * SHORT)
  return isLong ? 'long' : isShort ? 'short' : 'unknown'
}

/**
 * Returns whether the loop is saturated: its iterations are about as long as blocks, although its requests are short.
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
 * Returns whether many requests begin within the blocks, which shows that each is short.
 * @param {readonly Part[]} parts
 * @param {Setup} setup
 */
function isBusyWithOthers(parts, { threshold }) {
  const isSynchronous = (/** @type {Part} */ { frames }) =>
    frames.some(({ name, file }) => name === 'parserOnIncoming' && file.startsWith('node:'))
  const blocks = groupBy(parts.filter(isSynchronous), ({ block }) => block).map(([{ block }]) => block)
  const rest = sum(blocks.map(({ samples, duration }) => duration - samples[0].at - samples[0].lateness))
  const begun = sum(blocks.map(({ waited }) => waited))
  return blocks.length > 0 && begun >= blocks.length * 3 && rest / begun < threshold * SHORT
}

module.exports = { isCrowd, routeKey }
