'use strict'

/** @typedef {import('./definitions').Sample} Sample */

/**
 * Counters that never go back, made of those that begin anew when somebody resets the statistics of a pool: here, where the
 * end of a period is told, or in another thread, where it shows by a count that is smaller than it was.
 */
class MonotonicCounters {
  /** What was counted in periods that are over. @type {Map<string, Sample>} */
  #earlier = new Map()
  /** What was counted in this one when it was last read. @type {Map<string, Sample>} */
  #period = new Map()

  /**
   * The samples with the counters of all periods in the place of those of this one.
   * @param {Sample[]} samples
   */
  add(samples) {
    const counted = new Map(samples.filter(isCounter).map(it => [it.key, it]))
    const isOver = [...this.#period.values()].some(
      ({ key, part, value }) => part !== 'time' && value > (counted.get(key)?.value ?? 0)
    )
    if (isOver) this.#end()
    // A time is a mean by a count, which rounding could make smaller.
    for (const [key, { value }] of this.#period) {
      const now = counted.get(key)
      if (now !== undefined && now.value < value) counted.set(key, { ...now, value })
    }
    this.#period = counted
    return [...samples.filter(it => !isCounter(it)), ...addUp(this.#earlier, counted).values()]
  }

  /**
   * These were the last of their period.
   * @param {Sample[]} samples
   */
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
  const all = new Map(before)
  for (const [key, sample] of period) all.set(key, { ...sample, value: sample.value + (before.get(key)?.value ?? 0) })
  return all
}

module.exports = { MonotonicCounters }
