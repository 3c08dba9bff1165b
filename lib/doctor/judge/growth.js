'use strict'

// Detects numbers that grow without bound: in each quarter of the measurement, the minimum of all later counts grows.

/**
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {readonly { at: number, count: number }[]} Counts
 *
 * @typedef {object} Growth
 * @property {number} from first count
 * @property {number} to last count
 * @property {number} grown
 * @property {number} seconds from the first count to the last
 * @property {number} perSecond
 * @property {number | undefined} perRequest `undefined` without requests
 */

/** Growth up to which the number may be that of a pool or of connections. */
const LEAST_GROWTH = 20
/** Growth per request from which a number counts even if it has not doubled. */
const EACH_REQUEST = 0.5
/** Minimum number of requests for a growth per request, and minimum number of counts. */
const LEAST_REQUESTS = 200
const LEAST_COUNTS = 6
/** Minimum growth in each quarter, as a share of the mean growth of all quarters: growth up to a bound slows down. */
const STEADY = 0.2

/**
 * Returns the growth of a number, or `undefined` if the number may be bounded.
 * @param {Counts} counts
 * @param {ProcessFacts} process whose requests may drive the growth
 * @returns {Growth | undefined}
 */
function growthOf(counts, process) {
  const first = counts[0]
  const last = counts.at(-1)
  if (first === undefined || last === undefined || counts.length < LEAST_COUNTS) return undefined
  const requests = requestsBetween(process, first.at, last.at)
  const seconds = (last.at - first.at) / 1000
  const grown = last.count - first.count
  const perRequest = requests >= LEAST_REQUESTS ? grown / requests : undefined
  const isLarge = last.count > first.count * 2 || (perRequest ?? 0) >= EACH_REQUEST
  if (grown <= LEAST_GROWTH || !isLarge || !isSteady(counts, process, requests)) return undefined
  return { from: first.count, to: last.count, grown, seconds, perSecond: grown / seconds, perRequest }
}

/**
 * Returns whether a number grows in each quarter: of the requests, since the load may pause, or of the time if there are few requests.
 * @param {Counts} counts
 * @param {ProcessFacts} process
 * @param {number} requests
 */
function isSteady(counts, process, requests) {
  const positions = requests >= LEAST_REQUESTS ? requestsUntil(counts, process) : counts.map(({ at }) => at)
  const floor = floorOf(counts)
  const begin = positions[0]
  const end = /** @type {number} */ (positions.at(-1))
  const marks = [0, 1, 2, 3, 4].map(quarter => {
    const mark = begin + ((end - begin) * quarter) / 4
    return floor[positions.findIndex(position => position >= mark)]
  })
  const least = ((marks[4] - marks[0]) / 4) * STEADY
  return least > 0 && marks.slice(1).every((mark, index) => mark - marks[index] >= least)
}

/** Returns, for each count, the minimum of that count and all later ones. @param {Counts} counts */
function floorOf(counts) {
  let least = Number.POSITIVE_INFINITY
  return counts
    .map(({ count }) => count)
    .reverse()
    .map(count => {
      least = Math.min(least, count)
      return least
    })
    .reverse()
}

/**
 * Returns the number of requests before each count.
 * @param {Counts} counts
 * @param {ProcessFacts} process
 */
function requestsUntil(counts, { rows }) {
  let requests = 0
  let row = 0
  return counts.map(({ at }) => {
    while (row < rows.length && rows[row].at <= at) requests += rows[row++].requests
    return requests
  })
}

/**
 * @param {ProcessFacts} process
 * @param {number} from
 * @param {number} to
 */
function requestsBetween({ rows }, from, to) {
  return rows.reduce((sum, { at, requests }) => (at > from && at <= to ? sum + requests : sum), 0)
}

module.exports = { growthOf }
