'use strict'

const { threadId } = require('node:worker_threads')
const { now } = require('../internal/clock')
const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { describe, formatter } = require('./frames')
const { addCheckpoints, removeCheckpoints } = require('./json-checkpoints')
const { Requests } = require('./requests')

/**
 * @typedef {import('./block').RawBlock} RawBlock
 * @typedef {{ threshold: number, fatal: number, fatalExit: boolean }} Limits
 * @typedef {(block: RawBlock, isExit: boolean) => void} Subscriber
 */

/**
 * The native watch of this environment's loop, shared by all subscribers and set to their lowest threshold. The watch is on while
 * at least one subscriber is not paused.
 */
class LoopWatch {
  /** @type {Map<Subscriber, { limits: Limits, since: number, isPaused: boolean }>} */
  #subscribers = new Map()
  /** @type {ReturnType<typeof native.startWatch> | undefined} */
  #capabilities
  #listenerId = -1
  /** Called soon after a major garbage collection, and maybe more often. @type {(() => void) | undefined} */
  onCollection
  /** The requests of this thread. */
  requests = new Requests()
  #isOn = false
  #expected = 0

  /**
   * Adds a subscriber, which receives blocks of at least its threshold.
   * @param {Subscriber} subscriber
   * @param {Limits} limits
   */
  add(subscriber, limits) {
    if (this.#subscribers.size === 0) this.#start(limits)
    this.#subscribers.set(subscriber, { limits, since: now(), isPaused: false })
    this.#apply()
  }

  /** @param {Subscriber} subscriber */
  remove(subscriber) {
    this.#reportTo(subscriber)
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0) return this.#apply()
    native.stopWatch()
    removeCheckpoints()
    this.requests.stop()
    this.#isOn = false
    completionPort.unsubscribe(this.#listenerId)
  }

  /**
   * @param {Subscriber} subscriber
   * @param {boolean} isPaused
   */
  setPaused(subscriber, isPaused) {
    const entry = this.#subscribers.get(subscriber)
    if (entry === undefined || entry.isPaused === isPaused) return
    if (isPaused) this.#reportTo(subscriber)
    entry.isPaused = isPaused
    entry.since = now()
    this.#apply()
  }

  get capabilities() {
    return this.#capabilities
  }

  /**
   * Calls a function whose block is not reported.
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  expect(call) {
    if (this.#expected++ === 0) native.expectBlock(true)
    try {
      return call()
    } finally {
      if (--this.#expected === 0) native.expectBlock(false)
    }
  }

  stats() {
    return native.loopStats()
  }

  /** Returns the garbage collections since the last call, or `null` if this Node.js does not show them. */
  takeCollections() {
    return native.takeCollections()
  }

  /** Reports the block up to now, since no further iteration may begin. */
  flush() {
    if (this.#isOn) native.endIteration()
    this.#take(true)
  }

  /** @param {Limits} limits */
  #start(limits) {
    this.#listenerId = completionPort.subscribe({ onWatched: () => this.#report() })
    const inFlight = () => this.requests.inFlight()
    const functions = {
      errorClass: Error,
      descriptorOf: Object.getOwnPropertyDescriptor,
      formatter,
      describe,
      inFlight
    }
    const { buffer } = this.requests.begun
    try {
      this.#capabilities = native.startWatch(lowest([limits]), this.#listenerId, threadId, functions, buffer)
    } catch (error) {
      completionPort.unsubscribe(this.#listenerId)
      throw error
    }
    if (this.#expected > 0) native.expectBlock(true)
    addCheckpoints()
    this.requests.start()
    this.#isOn = true
  }

  /** Watches with the limits of the subscribers that are not paused, if there are any. */
  #apply() {
    const active = this.#active()
    if (active.length > 0) native.configureWatch(lowest(active.map(([, { limits }]) => limits)))
    if (this.#isOn === active.length > 0 || this.#subscribers.size === 0) return
    this.#isOn = active.length > 0
    if (this.#isOn) native.resumeWatch()
    else native.pauseWatch()
  }

  #active() {
    return [...this.#subscribers].filter(([, { isPaused }]) => !isPaused)
  }

  /** Reports blocks to a subscriber that stops or pauses. A block in progress is included if no other subscriber is active. */
  #reportTo(/** @type {Subscriber} */ subscriber) {
    if (this.#active().some(([other]) => other !== subscriber)) this.#take(false)
    else this.flush()
  }

  #report() {
    this.#take(false)
    this.onCollection?.()
  }

  /** @param {boolean} isExit */
  #take(isExit) {
    for (let block = native.takeBlock(); block !== null; block = native.takeBlock()) {
      const ended = now() - block.endedAgo
      for (const [subscriber, { limits, since }] of this.#active()) {
        // An earlier subscriber may have stopped it.
        if (this.#subscribers.get(subscriber)?.isPaused !== false) continue
        if (Math.min(block.duration, ended - since) >= limits.threshold) subscriber(block, isExit)
      }
    }
  }
}

/** Returns what all of these limits need. @param {Limits[]} limits */
function lowest(limits) {
  const least = (/** @type {number[]} */ values) => Math.min(...values, Infinity)
  return {
    threshold: least(limits.map(({ threshold }) => threshold)),
    fatal: least(limits.map(({ fatal }) => fatal)),
    last: least(limits.filter(({ fatalExit }) => fatalExit).map(({ fatal }) => fatal))
  }
}

module.exports = { LoopWatch }
