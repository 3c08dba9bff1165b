'use strict'

/** @typedef {import('./definitions').Sample} Sample */

/**
 * Counters that never decrease, though `stats({ reset })` restarts those of a pool. A reset in this thread calls `end`; a reset
 * in another thread is detected because a count has decreased.
 */
class MonotonicCounters {
  /** Totals of the periods before the latest reset. @type {Map<string, Sample>} */
  #earlier = new Map()
  /** Counters of the current period, as last read. @type {Map<string, Sample>} */
  #period = new Map()

  /** Returns the samples, with the totals of all periods in place of the counters. @param {Sample[]} samples */
  add(samples) {
    const counters = new Map(samples.filter(isCounter).map(sample => [sample.key, sample]))
    const wasReset = [...this.#period.values()].some(
      ({ key, part, value }) => part !== 'time' && value > (counters.get(key)?.value ?? 0)
    )
    if (wasReset) this.#end()
    // A time is a mean times a count: rounding may decrease it.
    for (const [key, { value }] of this.#period) {
      const counter = counters.get(key)
      if (counter !== undefined && counter.value < value) counters.set(key, { ...counter, value })
    }
    this.#period = counters
    return [...samples.filter(sample => !isCounter(sample)), ...addUp(this.#earlier, counters).values()]
  }

  /** Ends a period with its last samples. @param {Sample[]} samples */
  end(samples) {
    this.add(samples)
    this.#end()
  }

  #end() {
    this.#earlier = addUp(this.#earlier, this.#period)
    this.#period = new Map()
  }
}

/** @param {Sample} sample */
function isCounter({ metric, part }) {
  return metric.kind === 'counter' || part === 'count' || part === 'time'
}

/**
 * @param {Map<string, Sample>} before
 * @param {Map<string, Sample>} period
 */
function addUp(before, period) {
  const totals = new Map(before)
  for (const [key, sample] of period)
    totals.set(key, { ...sample, value: sample.value + (before.get(key)?.value ?? 0) })
  return totals
}

module.exports = { MonotonicCounters }
