'use strict'

/** Maximum entries of any cache: V8 ends the process when an array grows beyond 2^27 elements, by half at a time. */
const MAX_ENTRIES = 100_000_000

/** The limits of a cache, and the weights of its entries by slot. */
class Bounds {
  /** Sum of the weights. */
  bytes = 0
  /** @type {number[]} */
  #weights = []

  /**
   * @param {number} max entries
   * @param {number} maxBytes
   */
  constructor(max, maxBytes) {
    this.max = max
    this.maxBytes = maxBytes
  }

  /** Whether this number of entries, or `bytes` more than now, exceed a limit. @type {(entries: number, bytes: number) => boolean} */
  areExceeded(entries, bytes) {
    return entries > this.max || entries > MAX_ENTRIES || this.bytes + bytes > this.maxBytes
  }

  /** Returns 0 for an entry without a weight. @param {number} slot */
  weightOf(slot) {
    return this.#weights[slot] ?? 0
  }

  /** @type {(slot: number, weight: number) => void} */
  add(slot, weight) {
    this.#weights[slot] = weight
    this.bytes += weight
  }

  /** Removes an entry that has a weight. @param {number} slot */
  remove(slot) {
    this.bytes -= this.#weights[slot]
  }

  /** Removes all entries. */
  clear() {
    this.bytes = 0
    this.#weights = []
  }
}

module.exports = { Bounds, MAX_ENTRIES }
