'use strict'

const { createHistogram } = require('node:perf_hooks')

/**
 * @typedef {import('../../watch').Block} Block
 * @typedef {import('../../index').LatencySummary} LatencySummary
 */

const NANOS = 1e6

/** Durations of blocks by cause, in bounded memory. */
class BlockTimes {
  /** @type {Map<Block['cause'], import('node:perf_hooks').RecordableHistogram>} */
  #byCause = new Map()

  /** @param {Block} block */
  record({ cause, duration }) {
    const histogram = this.#byCause.get(cause) ?? createHistogram()
    this.#byCause.set(cause, histogram)
    histogram.record(Math.max(1, Math.round(duration * NANOS)))
  }

  /** @returns {Partial<Record<Block['cause'], LatencySummary>>} */
  summaries() {
    return Object.fromEntries([...this.#byCause].map(([cause, histogram]) => [cause, summaryOf(histogram)]))
  }
}

/**
 * @param {import('node:perf_hooks').RecordableHistogram} histogram
 * @returns {LatencySummary}
 */
function summaryOf(histogram) {
  const at = (/** @type {number} */ percentile) => histogram.percentile(percentile) / NANOS
  const { count, mean, max } = histogram
  return { count, mean: mean / NANOS, p50: at(50), p90: at(90), p99: at(99), max: max / NANOS }
}

module.exports = { BlockTimes }
