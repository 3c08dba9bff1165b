'use strict'

/** Beyond this number of failures the oldest one is dropped. */
const MAX_FAILURES = 1024

/** Recent load failures, by id. Loading again immediately would most likely fail again. */
class Failures {
  /** @type {Map<import('../../index').CacheId, { error: unknown, until: number }>} */
  #byId = new Map()

  /**
   * @param {import('../../index').CacheId} id
   * @param {unknown} error
   * @param {number} until
   */
  add(id, error, until) {
    this.#byId.delete(id)
    this.#byId.set(id, { error, until })
    if (this.#byId.size > MAX_FAILURES) this.delete(/** @type {any} */ (this.#byId.keys().next().value))
  }

  /**
   * Returns the error to serve in place of another load.
   * @param {import('../../index').CacheId} id
   * @param {number} now
   */
  find(id, now) {
    const failure = this.#byId.get(id)
    if (failure === undefined || now < failure.until) return failure
    this.#byId.delete(id)
    return undefined
  }

  /** @param {import('../../index').CacheId} id */
  delete(id) {
    if (this.#byId.size > 0) this.#byId.delete(id)
  }

  clear() {
    this.#byId.clear()
  }
}

module.exports = { Failures }
