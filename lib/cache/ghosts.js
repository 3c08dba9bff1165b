'use strict'

/** A Set of V8 fails between 2 ** 23 and 2 ** 24 elements. */
const MAX_GHOSTS = 2 ** 22

/** @typedef {import('../../index').CacheId} Id */

/** Ids of entries that were evicted, oldest first. */
class Ghosts {
  /** @type {Set<Id>} */
  #ids = new Set()
  /** Ahead of it are all ids, since those it yields are deleted. A new iterator would pass all deleted ids again. */
  #oldest = this.#ids.values()

  /**
   * Adds an id, and drops the oldest ones beyond a maximum.
   * @param {Id} id
   * @param {number} max
   */
  add(id, max) {
    this.#ids.add(id)
    const size = Math.min(max, MAX_GHOSTS)
    while (this.#ids.size > size) this.#ids.delete(/** @type {Id} */ (this.#oldest.next().value))
  }

  /** Removes an id, and returns whether it was there. @param {Id} id */
  take(id) {
    return this.#ids.delete(id)
  }
}

module.exports = { Ghosts }
