'use strict'

const { now, setImmediate } = require('../loop')

/** Calls of `onEvict` take this much (ms) of a turn of the loop. */
const TURN_BUDGET = 2
/** Entries that wait to be told of at most: whoever evicts faster than that tells of the oldest itself. */
const MAX_UNTOLD = 1024
const AT_ONCE = 2

/** As native code numbers them (src/node/cache/answer.rs). */
const REASONS = /** @type {const} */ (['size', 'ttl', 'replaced', 'deleted'])

/** @typedef {{ id: any, value: any, reason: number }} Gone an entry that went */

/** Tells `onEvict` what went, after the fact; what it throws is a warning. */
class Evictions {
  #onEvict
  /**
   * In their order, from `#first` on: entries, or where more of them come from.
   * @type {(Gone | Iterator<Gone> | undefined)[]}
   */
  #queue = []
  #first = 0
  #isScheduled = false
  #isTelling = false

  /** @param {((id: any, value: any, reason: (typeof REASONS)[number]) => void) | undefined} onEvict */
  constructor(onEvict) {
    this.#onEvict = onEvict
  }

  /** Whether anybody wants to hear. */
  get areHeard() {
    return this.#onEvict !== undefined
  }

  /** @param {Gone | Iterator<Gone>} gone */
  add(gone) {
    if (this.#onEvict === undefined) return
    this.#queue.push(gone)
    this.#schedule()
  }

  /**
   * Tells of the oldest ones at once if too many wait, unless that is what is going on. To be called at the end: `onEvict`
   * may come back to the cache.
   * @param {number} more that wait elsewhere
   */
  relieve(more) {
    if (this.#isTelling || this.#queue.length - this.#first + more <= MAX_UNTOLD) return
    for (let told = 0; told < AT_ONCE; told++) {
      const gone = this.#next()
      if (gone === undefined) return
      this.#call(gone)
    }
  }

  #schedule() {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.#tell())
  }

  #tell() {
    const start = now()
    let gone = this.#next()
    while (gone !== undefined) {
      this.#call(gone)
      if (now() - start >= TURN_BUDGET) {
        setImmediate(() => this.#tell())
        return
      }
      gone = this.#next()
    }
    this.#isScheduled = false
  }

  /** @param {Gone} gone */
  #call({ id, value, reason }) {
    this.#isTelling = true
    try {
      this.#onEvict?.(id, value, REASONS[reason])
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error))
    }
    this.#isTelling = false
  }

  /** @returns {Gone | undefined} */
  #next() {
    while (this.#first < this.#queue.length) {
      const oldest = /** @type {Gone | Iterator<Gone>} */ (this.#queue[this.#first])
      if (!('next' in oldest)) {
        this.#shift()
        return oldest
      }
      const { value, done } = oldest.next()
      if (!done) return value
      this.#shift()
    }
    return undefined
  }

  #shift() {
    this.#queue[this.#first++] = undefined
    if (this.#first < this.#queue.length && this.#first < MAX_UNTOLD) return
    this.#queue.splice(0, this.#first)
    this.#first = 0
  }
}

module.exports = { Evictions }
