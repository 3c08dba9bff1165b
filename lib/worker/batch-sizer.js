'use strict'

const { MAX_BATCH } = require('./shared-memory')

/** Target duration (µs) of a batch: long enough to pay for the round trip, short enough to spread evenly. */
const BATCH_MICROS = 1000
/** Weight of a new mean in the average. A task longer than `BATCH_MICROS` counts in full. */
const SMOOTHING = 0.1

/** Measures the tasks of a transform, and from that the number to send together. */
class BatchSizer {
  /** Average µs of a task; Infinity before the first one has ended. */
  micros = Infinity

  get size() {
    return Math.min(Math.max(Math.floor(BATCH_MICROS / this.micros), 1), MAX_BATCH)
  }

  /**
   * @param {number} count of tasks that have ended
   * @param {number} micros their total time
   * @param {number} longest time of one of them
   */
  measure(count, micros, longest) {
    const mean = Math.max(micros / count, 1)
    if (this.micros === Infinity) this.micros = mean
    else if (longest > BATCH_MICROS) this.micros = Math.max(this.micros, longest)
    this.micros += (mean - this.micros) * SMOOTHING
  }
}

class BatchSizers {
  /** @type {Map<number, BatchSizer>} */
  #all = new Map()

  /** @param {number} transform */
  of(transform) {
    const sizer = this.#all.get(transform) ?? new BatchSizer()
    this.#all.set(transform, sizer)
    return sizer
  }
}

module.exports = { BatchSizers }
