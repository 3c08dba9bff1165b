'use strict'

// A sample of keys that several processes can compare: each keeps the keys with the smallest hashes (bottom-k sketch; Cohen and Kaplan,
// "Summarizing data using bottom-k sketches", 2007).

const KEYS = 256
/** Time after an equal call, in milliseconds, within which a call comes soon after it: caches keep values for longer. */
const SOON = 500
/** Number of values of the low bits of a hash, and of all its bits. */
const LOW = 2 ** 21
const ALL = 2 ** 53

/** Number of calls for a key, and start time of the last one. @typedef {{ calls: number, last: number }} Key */

class KeySample {
  /** Calls by mixed hash. @type {Map<number, Key>} */
  #keys = new Map()
  #largest = ALL
  #soon = 0

  /**
   * Counts a call.
   * @param {number} hash of 53 bits
   * @param {number} at time of the call, in milliseconds
   * @param {boolean} isDuplicate whether an equal call was in flight
   */
  count(hash, at, isDuplicate) {
    const mixed = mix(hash)
    if (mixed > this.#largest) return
    const key = this.#keys.get(mixed)
    if (key === undefined) {
      this.#keys.set(mixed, { calls: 1, last: at })
      if (this.#keys.size >= 2 * KEYS) this.#shrink()
      return
    }
    if (!isDuplicate && at - key.last < SOON) this.#soon++
    key.calls++
    key.last = at
  }

  /**
   * Returns the number of calls by hash, in hexadecimal digits, and the share of all possible keys that the sample covers; also the number
   * of calls soon after an equal one, and the number to expect if the calls began at independent times.
   * @param {number} elapsed in milliseconds
   */
  facts(elapsed) {
    if (this.#keys.size > KEYS) this.#shrink()
    const keys = [...this.#keys]
    const hashes = keys.map(([hash, { calls }]) => [hash.toString(16).padStart(16, '0'), calls])
    const chances = keys.map(([, { calls }]) => (calls - 1) * (1 - Math.exp((-SOON * calls) / elapsed)))
    return {
      hashes: Object.fromEntries(hashes),
      sampled: this.#largest / ALL,
      soon: this.#soon,
      soonByChance: chances.reduce((sum, chance) => sum + chance, 0)
    }
  }

  #shrink() {
    const kept = [...this.#keys].sort(([one], [other]) => one - other).slice(0, KEYS)
    this.#keys = new Map(kept)
    this.#largest = kept[KEYS - 1][0]
  }
}

/** Spreads the high bits of a hash evenly, with the finalizer of MurmurHash3. @param {number} hash */
function mix(hash) {
  let high = Math.floor(hash / LOW) | 0
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b)
  high = Math.imul(high ^ (high >>> 13), 0xc2b2ae35)
  return ((high ^ (high >>> 16)) >>> 0) * LOW + (hash % LOW)
}

module.exports = { KeySample }
