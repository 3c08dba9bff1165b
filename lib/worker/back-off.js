'use strict'

const { now } = require('../internal/clock')

/** @typedef {import('./worker-thread').Exit} Exit */

/** Delay (ms) after a thread that ended while it imported a module; doubled each time. */
const FIRST_DELAY = 100
const MAX_DELAY = 10_000

/** Delays further attempts to import modules that end their threads. */
class BackOff {
  /** By the number of a transform. @type {Map<number, { until: number, delay: number, exit: Exit }>} */
  #broken = new Map()

  /** @param {number} transform @param {Exit} exit of the thread */
  note(transform, exit) {
    const delay = Math.min((this.#broken.get(transform)?.delay ?? FIRST_DELAY / 2) * 2, MAX_DELAY)
    this.#broken.set(transform, { until: now() + delay, delay, exit })
  }

  /** Returns how the last thread ended, during the delay. @param {number} transform @returns {Exit | undefined} */
  exitOf(transform) {
    const broken = this.#broken.get(transform)
    return broken !== undefined && now() < broken.until ? broken.exit : undefined
  }

  /** @param {number} transform whose tasks run */
  forget(transform) {
    this.#broken.delete(transform)
  }
}

module.exports = { BackOff }
