'use strict'

const { AsyncResource } = require('node:async_hooks')
const { now, queueMicrotask, setImmediate } = require('../internal/clock')
const { warn } = require('../internal/warning')

/** Calls of `onEvict` take this much (ms) of a turn of the loop. */
const TURN_BUDGET = 2
/** Entries that wait to be told of at most: whoever evicts faster than that tells of the oldest itself. */
const MAX_UNTOLD = 1024

/** As native code numbers them (src/node/cache/answer.rs). */
const REASONS = /** @type {const} */ (['size', 'ttl', 'replaced', 'deleted'])

/** @typedef {{ id: any, value: any, reason: number }} Gone an entry that went */

/** An entry that went, or where more of them come from, and the context of the call that was the cause. */
class Cause extends AsyncResource {
  /** @param {Gone | Iterator<Gone>} gone */
  constructor(gone) {
    super('OffloopEvict')
    this.gone = gone
  }
}

/** Tells `onEvict` what went, after the fact; what it throws is a warning. */
class Evictions {
  #onEvict
  /**
   * In their order, from `#first` on.
   * @type {(Cause | undefined)[]}
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
    this.#queue.push(new Cause(gone))
    this.#schedule()
  }

  /**
   * Tells of the oldest ones at once as long as too many wait, unless that is what is going on. To be called at the end:
   * `onEvict` may come back to the cache.
   * @param {() => number} more how many wait elsewhere
   */
  relieve(more) {
    if (this.#isTelling) return
    while (this.#queue.length - this.#first + more() > MAX_UNTOLD && this.#tellNext());
  }

  #schedule() {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.#tell())
  }

  #tell() {
    const start = now()
    while (this.#tellNext()) {
      if (now() - start < TURN_BUDGET) continue
      setImmediate(() => this.#tell())
      return
    }
    this.#isScheduled = false
  }

  /** Returns whether there was something to tell. */
  #tellNext() {
    while (this.#first < this.#queue.length) {
      const cause = /** @type {Cause} */ (this.#queue[this.#first])
      const { gone } = cause
      if (!('next' in gone)) {
        this.#shift()
        this.#call(cause, gone)
        return true
      }
      const { value, done } = gone.next()
      if (!done) {
        this.#call(cause, value)
        return true
      }
      this.#shift()
    }
    return false
  }

  /** @param {Cause} cause @param {Gone} gone */
  #call(cause, { id, value, reason }) {
    this.#isTelling = true
    try {
      const answer = cause.runInAsyncScope(
        /** @type {() => any} */ (this.#onEvict),
        undefined,
        id,
        value,
        REASONS[reason]
      )
      // It may be asynchronous, though nobody waits for it.
      if (typeof answer?.then === 'function') answer.then(undefined, warn)
    } catch (error) {
      warn(error)
    } finally {
      this.#isTelling = false
    }
  }

  #shift() {
    this.#queue[this.#first++] = undefined
    if (this.#first < this.#queue.length && this.#first < MAX_UNTOLD) return
    this.#queue.splice(0, this.#first)
    this.#first = 0
  }
}

module.exports = { Evictions }
