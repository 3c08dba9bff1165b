'use strict'

const { AsyncResource } = require('node:async_hooks')
const { now, queueMicrotask, setImmediate } = require('../internal/clock')
const { warn } = require('../internal/warning')

/** Calls of `onEvict` take this much (ms) of a turn of the loop. */
const ITERATION_BUDGET = 2
/** The most evictions that wait to be reported: the call that adds more reports the oldest itself. */
const MAX_PENDING = 1024

/** As native code numbers them (src/node/cache/answer.rs). */
const REASONS = /** @type {const} */ (['size', 'ttl', 'replaced', 'deleted'])

/** @typedef {{ id: any, value: any, reason: number }} Eviction an evicted entry */

/** An eviction, or an iterator of more, with the async context of the call that caused it. */
class QueuedEviction extends AsyncResource {
  /** @param {Eviction | Iterator<Eviction>} eviction */
  constructor(eviction) {
    super('OffloopEvict')
    this.eviction = eviction
  }
}

/** Reports evictions to `onEvict` afterwards; an exception of `onEvict` becomes a warning. */
class Evictions {
  #onEvict
  /**
   * In their order, from `#first` on.
   * @type {(QueuedEviction | undefined)[]}
   */
  #queue = []
  #head = 0
  #isScheduled = false
  #isNotifying = false

  /** @param {((id: any, value: any, reason: (typeof REASONS)[number]) => void) | undefined} onEvict */
  constructor(onEvict) {
    this.#onEvict = onEvict
  }

  /** Whether there is an `onEvict`. */
  get hasListener() {
    return this.#onEvict !== undefined
  }

  /** @param {Eviction | Iterator<Eviction>} eviction */
  add(eviction) {
    if (this.#onEvict === undefined) return
    this.#queue.push(new QueuedEviction(eviction))
    this.#schedule()
  }

  /**
   * Tells of the oldest ones at once as long as too many wait, unless that is what is going on. To be called at the end:
   * `onEvict` may come back to the cache.
   * @param {() => number} pendingElsewhere how many wait elsewhere
   */
  drainExcess(pendingElsewhere) {
    if (this.#isNotifying) return
    while (this.#queue.length - this.#head + pendingElsewhere() > MAX_PENDING && this.#notifyNext());
  }

  #schedule() {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.#notify())
  }

  #notify() {
    const start = now()
    while (this.#notifyNext()) {
      if (now() - start < ITERATION_BUDGET) continue
      setImmediate(() => this.#notify())
      return
    }
    this.#isScheduled = false
  }

  /** Returns whether there was an eviction to report. */
  #notifyNext() {
    while (this.#head < this.#queue.length) {
      const queued = /** @type {QueuedEviction} */ (this.#queue[this.#head])
      const { eviction } = queued
      if (!('next' in eviction)) {
        this.#dequeue()
        this.#callListener(queued, eviction)
        return true
      }
      const { value, done } = eviction.next()
      if (!done) {
        this.#callListener(queued, value)
        return true
      }
      this.#dequeue()
    }
    return false
  }

  /** @param {QueuedEviction} queued @param {Eviction} eviction */
  #callListener(queued, { id, value, reason }) {
    this.#isNotifying = true
    try {
      const answer = queued.runInAsyncScope(
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
      this.#isNotifying = false
    }
  }

  #dequeue() {
    this.#queue[this.#head++] = undefined
    if (this.#head < this.#queue.length && this.#head < MAX_PENDING) return
    this.#queue.splice(0, this.#head)
    this.#head = 0
  }
}

module.exports = { Evictions }
