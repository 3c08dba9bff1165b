'use strict'

const { ExpiryQueue } = require('./expiry-queue')

/**
 * When entries are to be reloaded and until when they may be served. An entry without such times is `Fresh` forever.
 *
 * @typedef {Partial<Record<'ttl' | 'jitter' | 'refreshAfter' | 'staleWhileRevalidate' | 'staleIfError', number | undefined>>} LifetimeOptions
 */

/** Age of an entry. */
const Age = Object.freeze({
  Fresh: 0,
  /** Fresh, but a hit starts a reload. */
  RefreshDue: 1,
  /** May be served while it is reloaded. */
  Stale: 2,
  /** May be served only if its reload fails. */
  ErrorOnly: 3,
  Expired: 4
})

class Lifetimes {
  #ttl
  #jitter
  #refreshAfter
  #revalidates
  #servesOnError
  /** By slot; undefined for a slot without times. @type {(number | undefined)[]} */
  #refreshAt = []
  /** By slot. @type {(number | undefined)[]} */
  #freshUntil = []
  #queue = new ExpiryQueue()

  /** @param {LifetimeOptions} options */
  constructor({ ttl = Infinity, jitter = 0, refreshAfter = Infinity, staleWhileRevalidate = 0, staleIfError = 0 }) {
    this.#ttl = ttl
    this.#jitter = jitter
    this.#refreshAfter = refreshAfter
    this.#revalidates = staleWhileRevalidate
    this.#servesOnError = staleIfError
  }

  /** @type {(slot: number, now: number) => number} */
  age(slot, now) {
    const freshUntil = this.#freshUntil[slot]
    if (freshUntil === undefined) return Age.Fresh
    if (now < freshUntil) return now < /** @type {number} */ (this.#refreshAt[slot]) ? Age.Fresh : Age.RefreshDue
    if (now < freshUntil + this.#revalidates) return Age.Stale
    return now < freshUntil + this.#servesOnError ? Age.ErrorOnly : Age.Expired
  }

  /** Whether an entry may be served if its reload fails. @type {(slot: number, now: number) => boolean} */
  servesOnError(slot, now) {
    const freshUntil = this.#freshUntil[slot]
    return freshUntil !== undefined && now < freshUntil + this.#servesOnError
  }

  /**
   * Sets the times of a new entry. Returns false if it has expired already.
   * @param {number} slot
   * @param {number | undefined} ttl that overrides the option
   * @param {number} now
   */
  insert(slot, ttl = this.#ttl, now) {
    const factor = this.#jitter === 0 ? 1 : 1 - this.#jitter * Math.random()
    const freshUntil = now + ttl * factor
    const expiresAt = freshUntil + Math.max(this.#revalidates, this.#servesOnError)
    if (expiresAt <= now) return false
    this.#freshUntil[slot] = freshUntil
    this.#refreshAt[slot] = now + this.#refreshAfter * factor
    if (expiresAt < Infinity) this.#queue.insert(slot, expiresAt)
    return true
  }

  /** @param {number} slot */
  remove(slot) {
    this.#freshUntil[slot] = undefined
    this.#queue.remove(slot)
  }

  /** Returns the slot whose entry expired first, or undefined if none has. @param {number} now */
  firstExpired(now) {
    return this.#queue.firstExpired(now)
  }

  clear() {
    this.#refreshAt = []
    this.#freshUntil = []
    this.#queue = new ExpiryQueue()
  }
}

/** Whether all entries of a cache have times. @param {LifetimeOptions} options */
function areNeeded({ ttl, refreshAfter }) {
  return ttl !== undefined || refreshAfter !== undefined
}

module.exports = { Age, Lifetimes, areNeeded }
