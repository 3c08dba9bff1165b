'use strict'

// The clock and the timers of the event loop, for all of lib/. A test's fake timers must not keep promises from settling, whether
// they were installed before or after this file was loaded.

const { PerformanceMark, performance } = require('node:perf_hooks')
const timers = require('node:timers')
const { scheduler } = require('node:timers/promises')

const isNode = process.versions.bun === undefined && process.versions.deno === undefined

/**
 * Whether a function is Node's own, judged by its source. If it is not recognized, a slower substitute is used.
 * @param {Function | undefined} it
 * @param {string} mark
 */
function isOwn(it, mark) {
  return !isNode || (typeof it === 'function' && Function.prototype.toString.call(it).includes(mark))
}

/** The methods of the classes: fakes replace those of the instance. */
const { now: read = performance.now } = Object.getPrototypeOf(performance)
const { timeOrigin } = performance
const { wait, yield: turn } = Object.getPrototypeOf(Object(scheduler))

/** Returns monotonic milliseconds. A mark has Node's own time even if `performance.now` is replaced. @type {() => number} */
const now = isOwn(read, 'return now()')
  ? read.bind(performance)
  : () => new /** @type {any} */ (PerformanceMark)('').startTime

/** Returns milliseconds since the epoch, by the monotonic clock. */
const date = () => timeOrigin + now()

/** A timer that fakes do not reach; slower than Node's own. */
class Timer {
  #callback
  #delay
  #cancel = new AbortController()

  /**
   * @param {() => void} callback
   * @param {number} delay in milliseconds
   */
  constructor(callback, delay) {
    this.#callback = callback
    this.#delay = delay
    this.#start(true)
  }

  /** Lets the process end before the timer does. */
  unref() {
    this.close()
    this.#cancel = new AbortController()
    this.#start(false)
    return this
  }

  close() {
    this.#cancel.abort()
  }

  /** @param {boolean} ref */
  #start(ref) {
    const { signal } = this.#cancel
    const end = () => {
      if (!signal.aborted) this.#callback()
    }
    wait.call(scheduler, this.#delay, { ref, signal }).then(end, () => {})
  }
}

/** @type {(callback: () => void) => void} */
const setImmediate = isOwn(timers.setImmediate, 'new Immediate(')
  ? timers.setImmediate
  : callback => void turn.call(scheduler).then(callback)

/** @type {(callback: () => void, delay: number) => NodeJS.Timeout} */
const setTimeout = isOwn(timers.setTimeout, 'new Timeout(')
  ? timers.setTimeout
  : (callback, delay) => /** @type {any} */ (new Timer(callback, delay))

/** A timer closes itself: `clearTimeout` may be a fake. @param {NodeJS.Timeout | undefined} timer */
function clearTimeout(timer) {
  timer?.close()
}

/** Calls back after the current callback; in the next event-loop iteration if Node's own function is replaced. */
const nextTick = isOwn(process.nextTick, 'TickObject') ? process.nextTick.bind(process) : setImmediate

const settled = Promise.resolve()

/** Calls back as a microtask. An exception of the callback is reported as uncaught. @param {() => void} callback */
function queueMicrotask(callback) {
  settled.then(() => {
    try {
      callback()
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  })
}

module.exports = { clearTimeout, date, nextTick, now, queueMicrotask, setImmediate, setTimeout }
