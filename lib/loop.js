'use strict'

// The clock and the turns of the event loop. A test's fake timers must not stop what settles promises, whether they were
// installed after this file was loaded or before. Everything in lib/ that waits or measures time takes it from here.

const { performance } = require('node:perf_hooks')
const timers = require('node:timers')
const { scheduler } = require('node:timers/promises')
const native = require('./native')

const isNode = process.versions.bun === undefined && process.versions.deno === undefined

/**
 * Whether a function is Node's own, which its source tells. One that is not recognized is not used: that is slower, not wrong.
 * @param {Function | undefined} it
 * @param {string} mark
 */
function isOwn(it, mark) {
  return !isNode || (typeof it === 'function' && Function.prototype.toString.call(it).includes(mark))
}

/** The classes' own methods: fakes replace those of the one instance. */
const { now: read = performance.now } = Object.getPrototypeOf(performance)
const { wait, yield: turn } = Object.getPrototypeOf(Object(scheduler))

/** Milliseconds, monotonic. @type {() => number} */
const now = isOwn(read, 'return now()') ? read.bind(performance) : native.cacheClock

/** A timer that fakes do not reach; slower than Node's own. */
class Timer {
  #callback
  #delay
  #cancel = new AbortController()

  /** @param {() => void} callback @param {number} delay in milliseconds */
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

/** Calls back when the callback that runs now is over. Without Node's own, the next turn of the loop is soon enough. */
const nextTick = isOwn(process.nextTick, 'TickObject') ? process.nextTick.bind(process) : setImmediate

const settled = Promise.resolve()

/** Calls back as a microtask. What the callback throws is reported as any exception that no code caught. @param {() => void} callback */
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

module.exports = { clearTimeout, nextTick, now, queueMicrotask, setImmediate, setTimeout }
