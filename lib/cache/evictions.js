'use strict'

const { now, setImmediate } = require('../loop')

/** Calls of `onEvict` take this much (ms) of a turn of the loop. */
const TURN_BUDGET = 2

/** As native code numbers them (src/node/cache/answer.rs). */
const REASONS = /** @type {const} */ (['size', 'ttl', 'replaced', 'deleted'])

/** Tells `onEvict` what went, after the fact; what it throws is a warning. */
class Evictions {
  #onEvict
  /**
   * As many as went in this turn of the loop.
   * @type {{ id: any, value: any, reason: number }[]}
   */
  #queue = []
  #told = 0
  #isScheduled = false

  /** @param {((id: any, value: any, reason: (typeof REASONS)[number]) => void) | undefined} onEvict */
  constructor(onEvict) {
    this.#onEvict = onEvict
  }

  /** Whether anybody wants to hear. */
  get areHeard() {
    return this.#onEvict !== undefined
  }

  /**
   * @param {import('../../index').Id} id
   * @param {unknown} value
   * @param {number} reason
   */
  add(id, value, reason) {
    if (this.#onEvict === undefined) return
    this.#queue.push({ id, value, reason })
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.#tell())
  }

  #tell() {
    const start = now()
    while (this.#told < this.#queue.length && now() - start < TURN_BUDGET) {
      const { id, value, reason } = this.#queue[this.#told++]
      try {
        this.#onEvict?.(id, value, REASONS[reason])
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error))
      }
    }
    this.#isScheduled = this.#told < this.#queue.length
    if (this.#isScheduled) setImmediate(() => this.#tell())
    else {
      this.#queue = []
      this.#told = 0
    }
  }
}

module.exports = { Evictions }
