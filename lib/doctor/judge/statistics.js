'use strict'

/** @typedef {import('../../../doctor').Durations} Durations */

/**
 * Returns the nearest-rank quantile, or 0 without values.
 * @param {readonly number[]} values in any order
 * @param {number} share from 0 to 1
 */
function quantile(values, share) {
  return ranked(ascending(values), share)
}

/** @param {readonly number[]} values */
function ascending(values) {
  return [...values].sort((a, b) => a - b)
}

/**
 * @param {readonly number[]} sorted
 * @param {number} share
 */
function ranked(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

/** Returns the largest value, or 0 without values. @param {readonly number[]} values */
function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), 0)
}

/**
 * Summarizes durations.
 * @param {readonly number[]} values
 * @returns {Durations}
 */
function durationsOf(values) {
  const sorted = ascending(values)
  const at = (/** @type {number} */ share) => ranked(sorted, share)
  const mean = values.length === 0 ? 0 : sum(values) / values.length
  return { count: values.length, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

/**
 * Joins the summaries of several processes. Their joint quantiles are unknown: the result has the largest quantile of any process, so
 * that a slow process stays visible.
 * @param {readonly (Durations | undefined)[]} summaries
 * @returns {Durations}
 */
function joined(summaries) {
  const parts = summaries.filter(part => part !== undefined).filter(part => part.count > 0)
  const count = sum(parts.map(part => part.count))
  const most = (/** @type {'p50' | 'p90' | 'p99' | 'max'} */ field) => largest(parts.map(part => part[field]))
  const mean = count === 0 ? 0 : sum(parts.map(part => part.mean * part.count)) / count
  return { count, mean, p50: most('p50'), p90: most('p90'), p99: most('p99'), max: most('max') }
}

/** Returns the coefficient of variation, or 0 without values. @param {readonly number[]} values */
function variation(values) {
  const mean = sum(values) / values.length
  if (values.length === 0 || mean === 0) return 0
  return Math.sqrt(sum(values.map(value => (value - mean) ** 2)) / values.length) / mean
}

/**
 * Returns the Theil–Sen slope, the median slope of all pairs of points, which is robust to outliers. Returns 0 for fewer than two points.
 * @param {readonly { x: number, y: number }[]} points at most a few hundred
 */
function slope(points) {
  const slopes = points.flatMap((from, index) =>
    points.slice(index + 1).flatMap(to => (to.x === from.x ? [] : [(to.y - from.y) / (to.x - from.x)]))
  )
  return quantile(slopes, 0.5)
}

module.exports = { durationsOf, joined, largest, quantile, slope, sum, variation }
