'use strict'

const { clearTimeout, now, setTimeout } = require('../internal/clock')

/** @typedef {import('./worker-thread').Thread} Thread */

/** Threads without a task. One timer ends those that have been idle for too long: a timer for each would be set after every quick task. */
class IdleThreads {
  /** The most recently busy thread comes last. @type {Thread[]} */
  #threads = []
  #timeout
  #expired
  /** @type {NodeJS.Timeout | undefined} */
  #timer

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
    // A timer would keep a closed pool in memory. The next idle thread starts another.
    if (this.#threads.length === 0) this.#forget()
  }

  /** Waits until the thread that has been idle for the longest time expires. */
  #watch() {
    if (this.#timer !== undefined || this.#timeout === Infinity || this.#threads.length === 0) return
    const left = this.#threads[0].idleSince + this.#timeout - now()
    this.#timer = setTimeout(() => this.#check(), Math.max(Math.ceil(left), 1))
    this.#timer.unref()
  }

  #forget() {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #check() {
    this.#forget()
    const before = now() - this.#timeout
    for (const thread of this.#threads.filter(it => it.idleSince <= before)) this.#expired(thread)
    this.#watch()
  }
}

module.exports = { IdleThreads }
