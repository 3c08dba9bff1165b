'use strict'

const { keepHiddenClass } = require('../../internal/hidden-class')
const native = require('../../native')

/** Target duration (microseconds) of a batch: long enough to pay for the round trip, short enough to spread evenly. */
const BATCH_MICROS = 1000
/** Weight of a new measurement in the average duration of an input. */
const SMOOTHING = 0.3
/** Decay of the longest duration per measurement. */
const DECAY = 0.98

/** Decides from measured durations how many inputs of a bulk call may be held, and how many form a batch. */
class BulkLimits {
  /** Maximum number of inputs that are held. */
  maxInFlight = 0
  /** Number of inputs in a batch. */
  batchSize = 1
  #threads
  #maxWait
  #concurrency
  /** @type {number | undefined} */
  #inputMicros
  /** Longest recent duration of a unit. */
  #longestMicros = 0
  /** Number of measured inputs. */
  #measuredCount = 0

  /**
   * @param {{ threads: number, maxWait?: number | undefined }} pool
   * @param {number} concurrency upper bound of `maxInFlight`
   */
  constructor({ threads, maxWait }, concurrency) {
    this.#threads = threads
    this.#maxWait = maxWait
    this.#concurrency = concurrency
    this.#adjust()
  }

  /**
   * Adds a measurement.
   * @param {number} count of inputs
   * @param {number} micros duration of all together
   */
  add(count, micros) {
    const each = Math.max(micros, 1) / count
    this.#inputMicros =
      this.#inputMicros === undefined ? each : this.#inputMicros + (each - this.#inputMicros) * SMOOTHING
    this.#measuredCount += count
    this.#longestMicros = Math.max(micros, this.#longestMicros * DECAY)
    this.#adjust()
  }

  #adjust() {
    if (this.#inputMicros !== undefined) {
      const fair = Math.ceil(this.#concurrency / (2 * this.#threads))
      this.batchSize = Math.max(1, Math.min(Math.floor(BATCH_MICROS / this.#inputMicros), fair, native.MAX_BATCH))
    }
    this.maxInFlight = Math.min(this.#wantedInFlight(), this.#concurrency)
  }

  #wantedInFlight() {
    if (this.#maxWait === undefined) {
      // Before the first measurement, enough inputs to keep the threads busy.
      return this.#inputMicros === undefined ? 4 * this.#threads : Infinity
    }
    // The second unit of a thread waits for the first one: inputs must not exceed `maxWait` because of others of the same call.
    const unitsPerThread = 2 * this.#longestMicros < this.#maxWait * 1000 ? 2 : 1
    return Math.min(unitsPerThread * this.#threads * this.batchSize, this.#threads + this.#measuredCount)
  }
}

const example = new BulkLimits({ threads: 1, maxWait: undefined }, 1)
// The first fraction in a field changes the hidden class.
example.add(1, 1.5)
keepHiddenClass(example)

module.exports = { BulkLimits }
