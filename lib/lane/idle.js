'use strict'

const { now, setTimeout } = require('../loop')

/** @typedef {import('./thread').Thread} Thread */

/** Threads without a task. One timer ends those that have been idle for too long: a timer for each would cost every quick task one. */
class IdleThreads {
  /** The most recently busy thread comes last. @type {Thread[]} */
  #threads = []
  #timeout
  #expired
  #hasTimer = false

  /**
   * @param {number} timeout in milliseconds; Infinity: threads stay
   * @param {(thread: Thread) => void} expired removes and ends a thread
   */
  constructor(timeout, expired) {
    this.#timeout = timeout
    this.#expired = expired
  }

  /** @param {Thread} thread */
  has(thread) {
    return this.#threads.includes(thread)
  }

  /** @param {Thread} thread */
  add(thread) {
    this.#threads.push(thread)
    thread.idleSince = now()
    this.#watch()
  }

  /** Removes and returns the most recently busy thread. */
  take() {
    return this.#threads.pop()
  }

  /** @param {Thread} thread */
  remove(thread) {
    this.#threads = this.#threads.filter(it => it !== thread)
  }

  /** Waits until the thread that has been idle for the longest time expires. */
  #watch() {
    if (this.#hasTimer || this.#timeout === Infinity || this.#threads.length === 0) return
    this.#hasTimer = true
    const left = this.#threads[0].idleSince + this.#timeout - now()
    setTimeout(() => this.#check(), Math.max(Math.ceil(left), 1)).unref()
  }

  #check() {
    this.#hasTimer = false
    const before = now() - this.#timeout
    for (const thread of this.#threads.filter(it => it.idleSince <= before)) this.#expired(thread)
    this.#watch()
  }
}

module.exports = { IdleThreads }
