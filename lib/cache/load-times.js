'use strict'

/** Buckets in which durations double: each is 1.1 % wide. */
const GRAIN = 64
/** Shortest and longest distinguishable duration, in milliseconds: 1 ns and an hour. */
const MIN = 1e-6
const MAX = 3_600_000
const BUCKETS = Math.ceil(Math.log2(MAX / MIN) * GRAIN) + 1

/** Durations of loads, in buckets of geometric size (Masson, Rim and Lee 2019, "DDSketch"). */
class LoadTimes {
  #counts = new Uint32Array(BUCKETS)
  #count = 0
  #sum = 0
  #max = 0

  /** @param {number} millis */
  record(millis) {
    const bounded = Math.min(Math.max(millis, MIN), MAX)
    this.#counts[Math.round(Math.log2(bounded / MIN) * GRAIN)]++
    this.#count++
    this.#sum += bounded
    if (bounded > this.#max) this.#max = bounded
  }

  /** @returns {import('../../index').LatencySummary} */
  summary() {
    const count = this.#count
    if (count === 0) return { ...NONE }
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map(quantile => this.#at(quantile))
    return { count, mean: this.#sum / count, p50, p90, p99, max: this.#max }
  }

  /** @param {number} quantile */
  #at(quantile) {
    let rest = Math.ceil(quantile * this.#count)
    const bucket = this.#counts.findIndex(count => {
      rest -= count
      return rest <= 0
    })
    return Math.min(MIN * 2 ** (bucket / GRAIN), this.#max)
  }
}

const NONE = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }

module.exports = { LoadTimes, NONE }
