'use strict'

// Counts active intervals by the line that sets them. Of frequent calls only every nth is captured, and counts as n.

const timers = require('node:timers')
const { syncBuiltinESMExports } = require('node:module')
const { Counts, openSockets } = require('./counts')
const { replace } = require('./replace')
const { Sites } = require('./sites')

/**
 * @typedef {import('../facts').Site} Site
 * @typedef {{ site: Site, counts: Counts, active: number }} Line
 * @typedef {{ timer: WeakRef<NodeJS.Timeout>, weight: number, line: Line }} Captured
 */

/** Captures between two samples after which the stride doubles. */
const MAX_CAPTURES = 32
/** Maximum number of captured intervals. */
const MAX_KEPT = 4096
const { apply } = Reflect

class Intervals {
  /** @type {Sites<Line>} */
  #lines = new Sites()
  /** @type {Captured[]} */
  #captured = []
  /** Number of calls that each captured call represents. */
  #stride = 1
  #calls = 0
  #captures = 0
  sockets = 0

  /**
   * @param {NodeJS.Timeout} timer
   * @param {Function} wrapper
   */
  set(timer, wrapper) {
    if (++this.#calls % this.#stride !== 0) return
    const weight = this.#stride
    if (++this.#captures % MAX_CAPTURES === 0) this.#stride *= 2
    const line = this.#lines.find(wrapper, '', site => ({ site, counts: zero(), active: 0 }))
    if (line === undefined) return
    this.#captured.push({ timer: new WeakRef(timer), weight, line })
    if (this.#captured.length >= MAX_KEPT) this.#thin()
  }

  /** Drops intervals that were cleared and, if more than half are left, every other one. */
  #thin() {
    this.#captured = this.#captured.filter(isActive)
    if (this.#captured.length < MAX_KEPT / 2) return
    this.#captured = this.#captured.filter((_, index) => index % 2 === 0)
    for (const it of this.#captured) it.weight *= 2
  }

  sample() {
    this.#captures = 0
    this.#stride = Math.max(1, this.#stride / 2)
    this.#captured = this.#captured.filter(isActive)
    const lines = this.#lines.all
    if (lines.length === 0) return
    for (const line of lines) line.active = 0
    for (const { line, weight } of this.#captured) line.active += weight
    for (const { counts, active } of lines) counts.add(active)
    this.sockets = Math.max(this.sockets, openSockets())
  }

  facts() {
    this.sample()
    return this.#lines.all.map(({ site, counts }) => ({
      frames: site.frames,
      counts: counts.values(),
      sockets: this.sockets
    }))
  }
}

function zero() {
  const counts = new Counts()
  counts.add(0)
  return counts
}

/** @param {Captured} captured */
function isActive({ timer }) {
  const it = /** @type {{ _destroyed?: boolean } | undefined} */ (timer.deref())
  return it !== undefined && it._destroyed !== true
}

/** Returns whether the property `_destroyed` shows that a timer was cleared. */
function showsCleared() {
  const timer = /** @type {NodeJS.Timeout & { _destroyed?: boolean }} */ (timers.setInterval(() => {}, 1e6).unref())
  const before = timer._destroyed
  timer.close()
  return before === false && timer._destroyed === true
}

let intervals = new Intervals()
let isMeasuring = false

/** Observes `setInterval`. @returns {'replaced' | 'fixed' | 'unknown'} */
function observe() {
  if (!showsCleared()) return 'unknown'
  const result = replace(
    [
      [globalThis, 'setInterval'],
      [timers, 'setInterval']
    ],
    original => {
      /**
       * @this {unknown}
       * @param {any[]} args
       */
      const wrapper = function (...args) {
        const timer = apply(original, this, args)
        if (isMeasuring) added(timer, wrapper)
        return timer
      }
      return wrapper
    }
  )
  syncBuiltinESMExports()
  return result
}

/**
 * @param {any} timer
 * @param {Function} wrapper
 */
function added(timer, wrapper) {
  try {
    intervals.set(timer, wrapper)
  } catch {
    // Fake timers may be numbers.
  }
}

/** Observes the intervals of this thread from `begin` on. */
function installIntervals() {
  const state = observe()
  const reason =
    state === 'fixed'
      ? 'setInterval cannot be replaced'
      : 'this version of Node.js does not show which timers were cleared'
  return {
    begin() {
      intervals = new Intervals()
      isMeasuring = true
    },
    stop() {
      isMeasuring = false
      intervals = new Intervals()
    },
    sample: () => intervals.sample(),
    facts: () => intervals.facts(),
    blind: /** @type {Record<string, string>} */ (state === 'replaced' ? {} : { intervals: reason })
  }
}

module.exports = { installIntervals }
