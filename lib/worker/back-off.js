'use strict'

const { now } = require('../internal/clock')

/** @typedef {import('./worker-thread').Exit} Exit */

/** Delay (ms) after a thread that ended while it imported a module; doubled each time. */
const FIRST_DELAY = 100
const MAX_DELAY = 10_000

/** Delays further attempts to import modules that end their threads. */
class BackOff {
  /** By the id of a transform. @type {Map<number, { until: number, delay: number, exit: Exit }>} */
  #crashLoops = new Map()

  /**
   * @param {number} transform
   * @param {Exit} exit of the thread
   */
  recordCrash(transform, exit) {
    const delay = Math.min((this.#crashLoops.get(transform)?.delay ?? FIRST_DELAY / 2) * 2, MAX_DELAY)
    this.#crashLoops.set(transform, { until: now() + delay, delay, exit })
  }

  /**
   * Returns the exit that caused the delay, as long as the delay lasts.
   * @param {number} transform
   * @returns {Exit | undefined}
   */
  exitOf(transform) {
    const crashLoop = this.#crashLoops.get(transform)
    return crashLoop !== undefined && now() < crashLoop.until ? crashLoop.exit : undefined
  }

  /** @param {number} transform whose tasks run */
  reset(transform) {
    this.#crashLoops.delete(transform)
  }
}

module.exports = { BackOff }
