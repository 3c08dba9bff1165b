'use strict'

const { Cache } = require('../cache')
const { Pool, stateOf } = require('../pool')
const { Sink, TransformDuplex } = require('../stream')
const { TieredCache } = require('../tier')
const { isWatch } = require('../watch')
const { samplesOf } = require('./definitions')

/** @typedef {import('./definitions').Subject} Subject */

/**
 * Recognizes the targets of each subject, and reads their statistics: a closed pool or cache throws, a destroyed stream or a stopped
 * watch returns `undefined`.
 */
const SUBJECTS = {
  pool: { ...instances(Pool), stats: (/** @type {Pool} */ pool) => withLimits(pool, pool.stats()) },
  cache: { ...instances(Cache, TieredCache), stats: (/** @type {Cache | TieredCache} */ cache) => cache.stats() },
  stream: {
    ...instances(Sink, TransformDuplex),
    stats: (/** @type {Sink | TransformDuplex} */ stream) => (stream.destroyed ? undefined : stream.stats())
  },
  loop: {
    isTarget: isWatch,
    expected: 'a function that watch() returned',
    stats: (/** @type {import('../../watch').Watch} */ watch) => watch.stats()
  }
}

/** @param {Function[]} classes */
function instances(...classes) {
  return {
    isTarget: (/** @type {unknown} */ value) => classes.some(Class => value instanceof Class),
    expected: `an instance of ${classes.map(Class => Class.name).join(' or ')}`
  }
}

/**
 * @param {Pool} pool
 * @param {object} stats
 */
function withLimits(pool, stats) {
  const { maxQueue, maxQueueBytes } = stateOf(pool).info
  return { ...stats, maxQueue, maxQueueBytes }
}

/** A pool, cache, stream or watch that is measured under a name. It may still be garbage-collected. */
class Target {
  #target
  /** The times last read, by series. A time is a mean times a count: rounding could decrease it. @type {Map<string, number>} */
  #times = new Map()

  /**
   * @param {Subject} subject
   * @param {string} name
   * @param {any} target
   * @param {Record<string, any>} labels besides its name
   */
  constructor(subject, name, target, labels) {
    this.subject = subject
    this.name = name
    this.labels = labels
    this.#target = new WeakRef(target)
  }

  /** Identifies the series: no two targets may share it. */
  get key() {
    return JSON.stringify([this.name, Object.entries(this.labels).sort()])
  }

  /** @param {Target} other */
  isSameAs(other) {
    return this.#target.deref() === other.#target.deref()
  }

  /** Returns the current samples, or `undefined` if the target is closed or garbage-collected. */
  read() {
    const target = this.#target.deref()
    if (target === undefined) return undefined
    try {
      const stats = SUBJECTS[this.subject].stats(target)
      return stats && samplesOf(this.subject, stats).map(sample => this.#withoutDecrease(sample))
    } catch (error) {
      if (/** @type {{ code?: unknown }} */ (error).code === 'ERR_OFFLOOP_CLOSED') return undefined
      throw error
    }
  }

  /** @param {import('./definitions').Sample} sample */
  #withoutDecrease(sample) {
    if (sample.part !== 'time') return sample
    const value = Math.max(sample.value, this.#times.get(sample.key) ?? 0)
    this.#times.set(sample.key, value)
    return { ...sample, value }
  }
}

module.exports = { SUBJECTS, Target }
