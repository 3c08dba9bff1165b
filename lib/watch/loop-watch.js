'use strict'

const { threadId } = require('node:worker_threads')
const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { describe } = require('./frames')
const { addCheckpoints, removeCheckpoints } = require('./json-checkpoints')

/**
 * @typedef {import('./block').RawBlock} RawBlock
 * @typedef {{ threshold: number, fatal: number, fatalExit: boolean }} Limits
 * @typedef {(block: RawBlock, isExit: boolean) => void} Subscriber
 */

/**
 * The native watch of this environment's loop, for all subscribers: with the lowest threshold of them. It is on while there is one
 * that is not paused.
 */
class LoopWatch {
  /** @type {Map<Subscriber, { limits: Limits, isPaused: boolean }>} */
  #subscribers = new Map()
  /** @type {ReturnType<typeof native.startWatch> | undefined} */
  #capabilities
  #listenerId = -1
  #isOn = false
  #expected = 0
  #onExit = () => this.#flush()

  /**
   * Adds a subscriber, which receives blocks of at least its threshold.
   * @param {Subscriber} subscriber
   * @param {Limits} limits
   */
  add(subscriber, limits) {
    if (this.#subscribers.size === 0) this.#start(limits)
    this.#subscribers.set(subscriber, { limits, isPaused: false })
    this.#apply()
  }

  /** @param {Subscriber} subscriber */
  remove(subscriber) {
    this.#flush()
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0) return this.#apply()
    native.stopWatch()
    removeCheckpoints()
    this.#isOn = false
    completionPort.unsubscribe(this.#listenerId)
    process.removeListener('exit', this.#onExit)
  }

  /**
   * @param {Subscriber} subscriber
   * @param {boolean} isPaused
   */
  setPaused(subscriber, isPaused) {
    const entry = this.#subscribers.get(subscriber)
    if (entry === undefined || entry.isPaused === isPaused) return
    if (isPaused) this.#flush()
    entry.isPaused = isPaused
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

  /** @param {Limits} limits */
  #start(limits) {
    this.#listenerId = completionPort.subscribe({ onBlocked: () => this.#take(false) })
    const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
    // Setting the limit of another program's accessor would run its code in an interrupt.
    const errorClass = limit?.writable === true ? Error : undefined
    try {
      this.#capabilities = native.startWatch(limits, this.#listenerId, threadId, errorClass, describe)
    } catch (error) {
      completionPort.unsubscribe(this.#listenerId)
      throw error
    }
    addCheckpoints()
    this.#isOn = true
    process.on('exit', this.#onExit)
  }

  /** Watches with the limits of the subscribers that are not paused, if there are any. */
  #apply() {
    const active = [...this.#subscribers.values()].filter(({ isPaused }) => !isPaused).map(({ limits }) => limits)
    if (active.length > 0) {
      native.configureWatch({
        threshold: Math.min(...active.map(({ threshold }) => threshold)),
        fatal: Math.min(...active.map(({ fatal }) => fatal)),
        fatalExit: active.some(({ fatalExit }) => fatalExit)
      })
    }
    if (this.#isOn === active.length > 0 || this.#subscribers.size === 0) return
    this.#isOn = active.length > 0
    if (this.#isOn) native.resumeWatch()
    else native.pauseWatch()
  }

  /** Reports the blocks up to now, since no further iteration may begin. */
  #flush() {
    if (this.#isOn) native.endIteration()
    this.#take(true)
  }

  /** @param {boolean} isExit */
  #take(isExit) {
    for (let block = native.takeBlock(); block !== null; block = native.takeBlock()) {
      for (const [subscriber, { limits, isPaused }] of this.#subscribers) {
        if (!isPaused && block.duration >= limits.threshold) subscriber(block, isExit)
      }
    }
  }
}

module.exports = { LoopWatch }
