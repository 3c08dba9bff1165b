'use strict'

/** Binary logarithm of the number of buckets for each power of two: a bucket is at most 1.6 % wide. */
const GRAIN = 6
/** Shortest and longest distinguishable duration, in milliseconds: 1 ns and an hour. */
const MIN = 1e-6
const MAX = 3_600_000

const FLOAT = new Float64Array(1)
const WORDS = new Uint32Array(FLOAT.buffer)
/** Index of the word with the exponent and the high bits of the mantissa: all supported platforms are little-endian. */
const HIGH = 1
/** Number of bits of this word that do not choose the bucket. */
const REST = 20 - GRAIN

/** Returns the high bits of a duration, which grow with it. @param {number} millis */
function highBits(millis) {
  FLOAT[0] = millis
  return WORDS[HIGH] >>> REST
}

/** Returns the middle of a bucket. @param {number} bucket */
function millisOf(bucket) {
  WORDS[HIGH] = (bucket + FIRST) << REST
  WORDS[1 - HIGH] = 0
  const start = FLOAT[0]
  WORDS[HIGH] += 1 << REST
  return (start + FLOAT[0]) / 2
}

const FIRST = highBits(MIN)
const BUCKETS = highBits(MAX) - FIRST + 1

/** Durations of loads, in equally many buckets for each power of two (Tene, "HdrHistogram"). */
class LoadTimes {
  #counts = new Uint32Array(BUCKETS)
  #count = 0
  #sum = 0
  #max = 0

  /** @param {number} millis */
  record(millis) {
    const bounded = Math.min(Math.max(millis, MIN), MAX)
    this.#counts[highBits(bounded) - FIRST]++
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
    return Math.min(millisOf(bucket), this.#max)
  }
}

const NONE = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }

module.exports = { LoadTimes, NONE }
