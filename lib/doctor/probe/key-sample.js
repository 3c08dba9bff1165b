'use strict'

// A sample of keys that several processes can compare: each keeps the keys with the smallest hashes (bottom-k sketch; Cohen and Kaplan,
// "Summarizing data using bottom-k sketches", 2007).

const KEYS = 256
/** Number of values of the low bits of a hash, and of all its bits. */
const LOW = 2 ** 21
const ALL = 2 ** 53

class KeySample {
  /** Calls by mixed hash. @type {Map<number, number>} */
  #counts = new Map()
  #largest = ALL

  /** Counts a call. @param {number} hash of 53 bits */
  count(hash) {
    const mixed = mix(hash)
    if (mixed > this.#largest) return
    this.#counts.set(mixed, (this.#counts.get(mixed) ?? 0) + 1)
    if (this.#counts.size >= 2 * KEYS) this.#shrink()
  }

  /** Returns the number of calls by hash, in hexadecimal digits, and the share of all possible keys that the sample covers. */
  facts() {
    if (this.#counts.size > KEYS) this.#shrink()
    const hashes = [...this.#counts].map(([hash, calls]) => [hash.toString(16).padStart(16, '0'), calls])
    return { hashes: Object.fromEntries(hashes), sampled: this.#largest / ALL }
  }

  #shrink() {
    const kept = [...this.#counts].sort(([one], [other]) => one - other).slice(0, KEYS)
    this.#counts = new Map(kept)
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
