'use strict'

const { performance } = require('node:perf_hooks')
const { threadId } = require('node:worker_threads')
const { clearTimeout, now, setTimeout } = require('../internal/clock')

/**
 * @typedef {import('../../watch').Block} Block
 * @typedef {(block: Block) => void} Subscriber
 */

/** Checks within the time of a threshold. */
const CHECKS = 4
/** Share of a block below which its thread mostly waited. */
const ON_CPU = 0.4

/** Measures blocks by the lateness of a timer, in runtimes that native code cannot watch: without stacks. */
class TimerWatch {
  #subscriber
  #threshold
  #last = 0
  #cpu = process.cpuUsage()
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {Subscriber} subscriber
   * @param {number} threshold in milliseconds
   */
  constructor(subscriber, threshold) {
    this.#subscriber = subscriber
    this.#threshold = threshold
    this.resume()
  }

  resume() {
    if (this.#timer === undefined) this.#begin()
  }

  /** Reports a block that has ended, and stops. */
  pause() {
    this.flush()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /**
   * Calls a function whose block is not reported.
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  expect(call) {
    this.flush()
    try {
      return call()
    } finally {
      if (this.#timer !== undefined) this.#begin()
    }
  }

  /** Reports a block that has ended. */
  flush() {
    if (this.#timer === undefined) return
    const duration = now() - this.#last - this.#threshold / CHECKS
    if (duration < this.#threshold) return
    const { user, system } = process.cpuUsage(this.#cpu)
    const cause = (user + system) / 1000 < ON_CPU * duration ? 'blocked' : 'cpu'
    const began = performance.timeOrigin + now() - duration
    const none = { starved: 0, gc: 0, samples: [], waited: 0 }
    this.#subscriber({ began, duration, cause, own: duration, ...none, thread: threadId })
  }

  #begin() {
    this.#last = now()
    this.#cpu = process.cpuUsage()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.flush()
      this.#begin()
    }, this.#threshold / CHECKS)
    this.#timer.unref()
  }
}

module.exports = { TimerWatch }
