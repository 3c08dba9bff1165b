'use strict'

// The garbage collections of this thread. Native code counts them where it can: each entry of a PerformanceObserver costs tens of
// microseconds, which is 2 % of a server that allocates much.

const { PerformanceObserver, constants, performance } = require('node:perf_hooks')
const { date, now } = require('../../internal/clock')

/**
 * @typedef {import('../../watch/loop-watch').LoopWatch} LoopWatch
 *
 * @typedef {object} Collections
 * @property {(onMajor: (at: number) => void) => void} begin calls back soon after major collections, with about their time
 * @property {() => { time: number, longest: number }} take returns the collections since the last call, in milliseconds
 * @property {<T>(call: () => T) => T} without calls a function whose collections do not count
 * @property {() => void} end
 */

/**
 * Returns the collections of this thread.
 * @param {LoopWatch | undefined} loop
 * @returns {Collections}
 */
function collectionsOf(loop) {
  return loop === undefined || loop.takeCollections() === null ? new Observed() : new Counted(loop)
}

/** Collections that native code counts. @implements {Collections} */
class Counted {
  #loop
  #time = 0
  #longest = 0
  #onMajor = (/** @type {number} */ _at) => {}

  /** @param {LoopWatch} loop */
  constructor(loop) {
    this.#loop = loop
  }

  /** @param {(at: number) => void} onMajor */
  begin(onMajor) {
    this.#loop.takeCollections()
    this.#time = this.#longest = 0
    this.#onMajor = onMajor
    this.#loop.onCollection = () => this.#add()
  }

  take() {
    this.#add()
    const taken = { time: this.#time, longest: this.#longest }
    this.#time = this.#longest = 0
    return taken
  }

  /**
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  without(call) {
    this.#add()
    try {
      return call()
    } finally {
      this.#loop.takeCollections()
    }
  }

  end() {
    this.#loop.onCollection = undefined
  }

  #add() {
    const collected = this.#loop.takeCollections()
    if (collected === null) return
    this.#time += collected.time
    this.#longest = Math.max(this.#longest, collected.longest)
    if (collected.majors > 0) this.#onMajor(date())
  }
}

/** Collections that Node.js reports. @implements {Collections} */
class Observed {
  #time = 0
  #longest = 0
  #began = 0
  /** Times of calls whose collections do not count. @type {{ from: number, to: number }[]} */
  #excluded = []
  #onMajor = (/** @type {number} */ _at) => {}
  #observer = new PerformanceObserver(list => this.#add(list.getEntries()))

  /** @param {(at: number) => void} onMajor */
  begin(onMajor) {
    this.#onMajor = onMajor
    this.#began = now()
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  take() {
    this.#add(this.#observer.takeRecords())
    const taken = { time: this.#time, longest: this.#longest }
    this.#time = this.#longest = 0
    return taken
  }

  /**
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  without(call) {
    const from = now()
    try {
      return call()
    } finally {
      this.#excluded.push({ from, to: now() })
    }
  }

  end() {
    this.#observer.disconnect()
  }

  /** @param {readonly import('node:perf_hooks').PerformanceEntry[]} entries */
  #add(entries) {
    for (const entry of entries) {
      const { startTime, duration } = entry
      if (startTime < this.#began || this.#excluded.some(({ from, to }) => startTime >= from && startTime <= to))
        continue
      this.#time += duration
      this.#longest = Math.max(this.#longest, duration)
      const { detail } = /** @type {{ detail?: { kind?: number } }} */ (entry)
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) this.#onMajor(performance.timeOrigin + startTime)
    }
  }
}

module.exports = { collectionsOf }
