'use strict'

const MINUTE = 60_000
/** Stacks whose reports are counted; further distinct stacks share the last count. */
const MAX_STACKS = 1000

/** Limits reports in any minute: all together, and those of one stack. */
class RateLimit {
  #perMinute
  #perStack
  /** Times of the reports of the last minute, by stack. @type {Map<string, number[]>} */
  #times = new Map()

  /**
   * @param {number} perMinute
   * @param {number} perStack
   */
  constructor(perMinute, perStack) {
    this.#perMinute = perMinute
    this.#perStack = perStack
  }

  /**
   * Returns whether a report is within the limits, and counts it if so.
   * @param {string} stack identifies a stack
   * @param {number} now in milliseconds
   */
  admit(stack, now) {
    if (this.#perMinute === Infinity && this.#perStack === Infinity) return true
    let count = 0
    for (const [key, times] of this.#times) {
      const recent = times.filter(time => now - time < MINUTE)
      count += recent.length
      if (recent.length === 0) this.#times.delete(key)
      else this.#times.set(key, recent)
    }
    const key = this.#times.size < MAX_STACKS || this.#times.has(stack) ? stack : ''
    const times = this.#times.get(key) ?? []
    if (count >= this.#perMinute || times.length >= this.#perStack) return false
    this.#times.set(key, [...times, now])
    return true
  }
}

module.exports = { RateLimit }
