'use strict'

/** @param {readonly number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Returns the smallest value that at least `percent` percent of the values do not exceed.
 * @param {readonly number[] | Float64Array} values
 * @param {number} percent
 */
function percentile(values, percent) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
}

module.exports = { median, percentile }
