'use strict'

const { MAX_BATCH } = require('./worker-main')

/** A batch aims at this much work (µs): long enough to pay for the trip, short enough to spread evenly. */
const BATCH_MICROS = 1000
/** How much a new measurement counts that is shorter than what was known. A longer one counts at once. */
const SMOOTHING = 0.1

/** How long the tasks of one transform take, and so how many of them travel together. */
class BatchSizer {
  /** µs of a task; unknown before the first one has ended. */
  micros = Infinity

  /** How many tasks are about as much work as a batch should be. */
  get size() {
    return Math.min(Math.max(Math.floor(BATCH_MICROS / this.micros), 1), MAX_BATCH)
  }

  /**
   * @param {number} count of tasks that have ended
   * @param {number} micros that they took together
   * @param {number} longest of them
   */
  measure(count, micros, longest) {
    const mean = Math.max(micros / count, 1)
    if (this.micros === Infinity) this.micros = mean
    else if (longest > BATCH_MICROS) this.micros = Math.max(this.micros, longest)
    this.micros += (mean - this.micros) * SMOOTHING
  }
}

module.exports = { BatchSizer }
