'use strict'

const { SlotLists } = require('./slot-lists')

/** @typedef {import('../../index').CacheId} Id */

/** A Map of V8 fails between 2 ** 23 and 2 ** 24 elements. */
const MAX_GHOSTS = 2 ** 22
const ENDS = 0

/** Ids of entries that were evicted, in the order of eviction. The iterators of a Map pass all ids that were deleted: here is a list. */
class Ghosts {
  /** @type {Map<Id, number>} */
  #slots = new Map()
  /** By slot. @type {(Id | undefined)[]} */
  #ids = []
  #list = new SlotLists(1)

  /**
   * Adds an id that is not there, and drops the oldest ones beyond a maximum.
   * @param {Id} id
   * @param {number} max
   */
  add(id, max) {
    const slot = this.#list.allocate()
    this.#slots.set(id, slot)
    this.#ids[slot] = id
    this.#list.link(slot, ENDS)
    const size = Math.min(max, MAX_GHOSTS)
    while (this.#slots.size > size) this.take(/** @type {Id} */ (this.#ids[this.#list.oldestOf(ENDS)]))
  }

  /** Removes an id, and returns whether it was there. @param {Id} id */
  take(id) {
    const slot = this.#slots.get(id)
    if (slot === undefined) return false
    this.#slots.delete(id)
    this.#ids[slot] = undefined
    this.#list.unlink(slot)
    this.#list.release(slot)
    return true
  }
}

module.exports = { Ghosts }
