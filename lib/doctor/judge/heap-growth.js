'use strict'

// Growth of the memory of a process, measured after major collections.

const { quantile, slope } = require('./statistics')

/**
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {{ x: number, y: number }} Point time in seconds, and bytes
 *
 * Growth: `rate` in bytes per second, `grown` in bytes, `share` of the initial size. `hasShape`: there are enough points to distinguish
 * steady growth from memory that fills up. `isGoingOn`: the memory also grows until the last collection.
 * @typedef {{
 *   rate: number,
 *   grown: number,
 *   share: number,
 *   from: number,
 *   to: number,
 *   collections: number,
 *   hasShape: boolean,
 *   isGoingOn: boolean
 * }} HeapGrowth
 */

/** Minimum growth, in bytes per second and as a share of the initial size. */
const RATE = 0.5e6
const SHARE = 0.2
/** Rate of the last third below which the memory has levelled off, as a share of the overall rate. */
const FLAT = 0.25
/** Share of the last third that its points cover. */
const SPREAD = 2 / 3
/** Memory outside of the heap that the buffers of requests in flight may take, in bytes. */
const IN_FLIGHT = 8e6
/** Minimum time between the first and the last point, in seconds. */
const SPAN = 2
/** Share of the time between the first and the last point within which another point is not an earlier one. */
const CLOSE = 0.1
const MAX_POINTS = 200
/** Number of points from which the last third has a meaningful rate. */
const SHAPED = 4
/** Number of points that make a line. */
const LINE = 6
/** Number of points from which the smallest sizes of the first and the last third are compared. */
const MANY = 9

/** Returns the growth of the heap, or `undefined` if it does not grow. @param {ProcessFacts} process */
function heapGrowth({ majors }) {
  return growthOf(majors.map(({ at, heapUsed }) => ({ x: at / 1000, y: heapUsed })))
}

/**
 * Returns the growth of the memory outside of the heap. The size after a major collection is the smallest until the next one: V8 frees
 * this memory later than the objects that hold it.
 * @param {ProcessFacts} process
 */
function externalGrowth({ majors, rows }) {
  let next = rows.findIndex(row => row.at >= (majors[0]?.at ?? 0))
  const growth = growthOf(
    majors.map(({ at, external }, index) => {
      const end = majors[index + 1]?.at ?? Number.POSITIVE_INFINITY
      let y = external
      while (next !== -1 && next < rows.length && rows[next].at < end) y = Math.min(y, rows[next++].external)
      return { x: at / 1000, y }
    })
  )
  return growth === undefined || growth.grown < IN_FLIGHT ? undefined : growth
}

/**
 * Returns the growth, or `undefined` if the sizes do not grow or have levelled off.
 * @param {Point[]} all
 * @returns {HeapGrowth | undefined}
 */
function growthOf(all) {
  const step = Math.ceil(all.length / MAX_POINTS)
  const points = all.filter((_, index) => index % step === 0 || index === all.length - 1)
  if (points.length < 2) return undefined
  const first = points[0]
  const last = points[points.length - 1]
  const rate = slope(points)
  const grown = rate * (last.x - first.x)
  const hasShape = points.length >= SHAPED || isStraight(points, rate)
  if (last.x - first.x < SPAN || rate < RATE || grown < SHARE * first.y) return undefined
  if (hasShape && slope(lastThird(points)) < FLAT * rate) return undefined
  // Memory that only fluctuates, because it waits to be freed, has similar smallest sizes in the first and the last third.
  if (points.length >= MANY && leastOf(lastThird(points)) - leastOf(firstThird(points)) < FLAT * grown) return undefined
  // The program may collect garbage itself just before the last collection.
  const earlier = points.findLast(({ x }) => x <= last.x - CLOSE * (last.x - first.x)) ?? first
  const isGoingOn = slope([earlier, last]) >= FLAT * rate || isLine(points, rate, CLOSE * grown)
  return {
    rate,
    grown,
    share: grown / first.y,
    from: first.y,
    to: last.y,
    collections: all.length,
    hasShape,
    isGoingOn
  }
}

/**
 * Returns whether all points are close to a line: a thorough collection at the end may free more than earlier ones, but memory that has
 * just levelled off has points far above the line.
 * @param {Point[]} points
 * @param {number} rate
 * @param {number} tolerance in bytes
 */
function isLine(points, rate, tolerance) {
  const starts = points.map(({ x, y }) => y - rate * x)
  const middle = quantile(starts, 0.5)
  return points.length >= LINE && starts.every(start => Math.abs(start - middle) <= tolerance)
}

/**
 * Returns whether three points show steady growth. The middle one must not be close to either end.
 * @param {Point[]} points
 * @param {number} rate
 */
function isStraight([first, middle, last], rate) {
  if (last === undefined) return false
  const way = (middle.x - first.x) / (last.x - first.x)
  return way > FLAT && way < 1 - FLAT && slope([first, middle]) > rate / 2 && slope([middle, last]) > rate / 2
}

/** Returns the points of the first third of the time. @param {Point[]} points */
function firstThird(points) {
  const from = points[0].x
  const end = points[points.length - 1].x
  return points.filter(({ x }) => x <= from + (end - from) / 3)
}

/** @param {Point[]} points */
function leastOf(points) {
  return points.reduce((least, { y }) => Math.min(least, y), Number.POSITIVE_INFINITY)
}

/**
 * Returns the points of the last third of the time, at least three. If they are close together, their differences are mostly garbage
 * that has not been collected yet, and the point before belongs to them.
 * @param {Point[]} points
 */
function lastThird(points) {
  const from = points[0].x
  const end = points[points.length - 1].x
  const third = (end - from) / 3
  const count = Math.max(3, points.filter(({ x }) => x >= end - third).length)
  const isClose = end - points[Math.max(0, points.length - count)].x < SPREAD * third
  return points.slice(isClose ? -count - 1 : -count)
}

module.exports = { externalGrowth, heapGrowth }
