'use strict'

/** Maximum number of remembered deletes of keys. Above it, their caches are cleared. */
const MAX_KEYS = 10_000
/** How long an acknowledged delete is remembered, in milliseconds: a tier that fails over may lose it. */
const MEMORY = 30_000
const UNPAID = Number.POSITIVE_INFINITY

/**
 * A delete of one key, or of all keys of a cache.
 * @typedef {{ cache: string, key: string | undefined }} Delete
 */

/** Deletes that the tier has not acknowledged, or may have lost. They are sent again over each new connection, before any lookup. */
class Debts {
  /** Oldest first, with the time until which each is remembered. @type {Map<string, Delete & { until: number }>} */
  #deletes = new Map()
  #size = 0

  /** Number of deletes that are not acknowledged. */
  get size() {
    return this.#size
  }

  /** Adds a delete that the tier may not have executed. @param {Delete} it */
  owe(it) {
    this.#remember(it, UNPAID)
  }

  /**
   * Marks a delete as acknowledged.
   * @param {Delete} it
   * @param {number} now
   */
  pay(it, now) {
    this.#remember(it, now + MEMORY)
  }

  /** Returns whether a delete of a record is not acknowledged. @type {(cache: string, key: string) => boolean} */
  includes(cache, key) {
    if (this.#size === 0) return false
    return [key, undefined].some(it => this.#deletes.get(pathOf(cache, it))?.until === UNPAID)
  }

  /**
   * Returns the deletes to be sent over a new connection, oldest first.
   * @param {number} now
   * @returns {Delete[]}
   */
  all(now) {
    for (const [path, { until }] of this.#deletes) if (until <= now) this.#remove(path)
    return [...this.#deletes.values()]
  }

  /** Returns the deletes that are not acknowledged, oldest first. @returns {Delete[]} */
  unpaid() {
    return [...this.#deletes.values()].filter(({ until }) => until === UNPAID)
  }

  /**
   * @param {Delete} it
   * @param {number} until
   */
  #remember({ cache, key }, until) {
    const path = pathOf(cache, key)
    this.#remove(path)
    if (until === UNPAID) this.#size++
    this.#deletes.set(path, { cache, key, until })
    if (this.#deletes.size > MAX_KEYS) this.#clearCaches()
  }

  /** @param {string} path */
  #remove(path) {
    if (this.#deletes.get(path)?.until === UNPAID) this.#size--
    this.#deletes.delete(path)
  }

  /** Replaces the deletes of keys by clears of their caches. */
  #clearCaches() {
    /** @type {Map<string, number>} */
    const caches = new Map()
    for (const { cache, until } of this.#deletes.values()) caches.set(cache, Math.max(until, caches.get(cache) ?? 0))
    this.#deletes.clear()
    this.#size = 0
    for (const [cache, until] of caches) this.#remember({ cache, key: undefined }, until)
  }
}

/**
 * @param {string} cache
 * @param {string | undefined} key
 */
function pathOf(cache, key) {
  return key === undefined ? `${cache.length}:${cache}` : `${cache.length}:${cache}:${key}`
}

module.exports = { Debts }
