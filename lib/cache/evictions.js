'use strict'

const { AsyncResource } = require('node:async_hooks')
const { queueMicrotask } = require('../internal/clock')
const { Priority, Step } = require('../internal/loop-scheduler')
const { warn } = require('../internal/warning')
const { formatId } = require('./format-id')
const { loopScheduler } = require('../native/shared')

/** Maximum number of evictions waiting to be reported: a call that adds more reports the oldest itself. */
const MAX_PENDING = 1024

/** By number, as in src/node/protocol.rs. */
const REASONS = /** @type {const} */ (['size', 'ttl', 'replaced', 'deleted'])

const DELETED = REASONS.indexOf('deleted')

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
  #name
  /** The oldest is at `#head`. @type {(QueuedEviction | undefined)[]} */
  #queue = []
  #head = 0
  #isScheduled = false
  #isNotifying = false

  /**
   * @param {((id: any, value: any, reason: (typeof REASONS)[number]) => void) | undefined} onEvict
   * @param {string | undefined} name of the cache
   */
  constructor(onEvict, name) {
    this.#onEvict = onEvict
    this.#name = name
  }

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
   * Reports the oldest evictions now until at most `MAX_PENDING` wait, unless `onEvict` is running. Call it last: `onEvict` may
   * call the cache.
   * @param {() => number} pendingElsewhere returns the number of evictions that wait elsewhere
   */
  drainExcess(pendingElsewhere) {
    if (this.#isNotifying) return
    while (this.#queue.length - this.#head + pendingElsewhere() > MAX_PENDING && this.#notifyNext());
  }

  /** Reports evictions as soon as the current code has ended, within the budget of the event-loop iteration. */
  #schedule() {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => loopScheduler.start(this, Priority.Notify))
  }

  step() {
    if (this.#notifyNext()) return Step.More
    this.#isScheduled = false
    return Step.Done
  }

  /** Reports the oldest eviction. Returns false if there is none. */
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

  /**
   * @param {QueuedEviction} queued
   * @param {Eviction} eviction
   */
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
      // `onEvict` may be asynchronous; its promise is not awaited.
      if (typeof answer?.then === 'function')
        answer.then(undefined, (/** @type {unknown} */ error) => this.warn(id, error))
    } catch (error) {
      this.warn(id, error)
    } finally {
      this.#isNotifying = false
    }
  }

  /** Warns that `onEvict` failed. @type {(id: any, error: unknown) => void} */
  warn(id, error) {
    warn(`onEvict of ${this.#cacheName} failed for ${formatId(id)}`, error)
  }

  /** Warns that the value for `onEvict` cannot be decoded. @type {(id: any, error: unknown) => void} */
  warnSkipped(id, error) {
    warn(`onEvict of ${this.#cacheName} was not called for ${formatId(id)}`, error)
  }

  get #cacheName() {
    return this.#name === undefined ? 'a cache' : `the cache '${this.#name}'`
  }

  #dequeue() {
    this.#queue[this.#head++] = undefined
    if (this.#head < this.#queue.length && this.#head < MAX_PENDING) return
    this.#queue.splice(0, this.#head)
    this.#head = 0
  }
}

/** Yields the evictions of entries that were cleared. @type {(ids: any[], values: any[], slots: number[]) => Iterator<Eviction>} */
function* deletions(ids, values, slots) {
  for (const slot of slots) yield { id: ids[slot], value: values[slot], reason: DELETED }
}

module.exports = { deletions, Evictions, REASONS }
