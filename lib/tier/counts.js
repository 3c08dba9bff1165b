'use strict'

const { LoadTimes, NONE } = require('../cache/load-times')

/** Counts the calls of one cache to its tier. */
class Counts {
  /** Values that the tier had. */
  hits = 0
  /** Lookups that found no value in the tier. */
  misses = 0
  /** Loads of this process with the lease of the tier. */
  leads = 0
  /** Loads of this process, with or without a lease. */
  loads = 0
  /** Waits for loads of other processes. */
  waits = 0
  /** Stores that the tier refused, because the lease had been lost meanwhile. */
  denied = 0
  timeouts = 0
  errors = 0
  undecodable = 0
  oversized = 0
  /** @type {LoadTimes | undefined} */
  #roundTrips

  /** @param {number} millis */
  tookRoundTrip(millis) {
    this.#roundTrips ??= new LoadTimes()
    this.#roundTrips.record(millis)
  }

  /** Counts a command that failed. @param {unknown} error */
  failed(error) {
    const { cause } = /** @type {{ cause?: { code?: unknown } }} */ (error)
    if (cause?.code === 'ETIMEDOUT') this.timeouts++
    else this.errors++
  }

  summary() {
    const { hits, misses, leads, waits, denied, timeouts, errors, undecodable, oversized } = this
    const roundTrip = this.#roundTrips?.summary() ?? { ...NONE }
    return { hits, misses, leads, waits, denied, timeouts, errors, undecodable, oversized, roundTrip }
  }
}

module.exports = { Counts }
