'use strict'

const { clearTimeout, now, setTimeout } = require('../internal/clock')

/** @typedef {import('./worker-thread').WorkerThread} WorkerThread */

/** Threads without a task. One timer ends those that have been idle for too long: a timer per thread would be set after every quick task. */
class IdleThreads {
  /** The most recently busy thread comes last. @type {WorkerThread[]} */
  #threads = []
  #timeout
  #onExpired
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {number} timeout in milliseconds; Infinity: threads stay
   * @param {(thread: WorkerThread) => void} onExpired removes and ends a thread
   */
  constructor(timeout, onExpired) {
    this.#timeout = timeout
    this.#onExpired = onExpired
  }

  /** @param {WorkerThread} thread */
  has(thread) {
    return this.#threads.includes(thread)
  }

  /** @param {WorkerThread} thread */
  add(thread) {
    this.#threads.push(thread)
    thread.idleSince = now()
    this.#startTimer()
  }

  /** Removes and returns the most recently busy thread. */
  take() {
    return this.#threads.pop()
  }

  /** @param {WorkerThread} thread */
  remove(thread) {
    this.#threads = this.#threads.filter(it => it !== thread)
    // A timer would keep a closed pool in memory. The next idle thread starts another.
    if (this.#threads.length === 0) this.#stopTimer()
  }

  /** Waits until the thread that has been idle for the longest time expires. */
  #startTimer() {
    if (this.#timer !== undefined || this.#timeout === Infinity || this.#threads.length === 0) return
    const left = this.#threads[0].idleSince + this.#timeout - now()
    this.#timer = setTimeout(() => this.#expire(), Math.max(Math.ceil(left), 1))
    this.#timer.unref()
  }

  #stopTimer() {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #expire() {
    this.#stopTimer()
    const before = now() - this.#timeout
    for (const thread of this.#threads.filter(it => it.idleSince <= before)) this.#onExpired(thread)
    this.#startTimer()
  }
}

module.exports = { IdleThreads }
