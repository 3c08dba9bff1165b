'use strict'

// A cache whose values expire.

class ExpiringMap {
  /** @type {Map<string, { value: any, expires: number }>} */
  #entries = new Map()
  #ttl

  /** @param {number} ttl in milliseconds */
  constructor(ttl) {
    this.#ttl = ttl
  }

  /** @param {string} key */
  get(key) {
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.expires > Date.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /**
   * @param {string} key
   * @param {any} value
   */
  set(key, value) {
    this.#entries.set(key, { value, expires: Date.now() + this.#ttl })
  }
}

module.exports = { ExpiringMap }
