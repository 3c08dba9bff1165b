'use strict'

const { IdIndex } = require('./id-index')
const { SlotLists } = require('./slot-lists')

/** @typedef {import('../../index').CacheId} Id */

const ENDS = 0

/** Ids of entries that were evicted, in the order of eviction. */
class Ghosts {
  #slots
  #list = new SlotLists(1)

  /** @param {number} max number of ids that `add` allows */
  constructor(max) {
    this.#slots = new IdIndex(max)
  }

  /**
   * Adds an id that is not there, and drops the oldest ones beyond a maximum.
   * @param {Id} id
   * @param {number} max
   */
  add(id, max) {
    const slot = this.#list.allocate()
    this.#slots.set(id, slot)
    this.#list.link(slot, ENDS)
    while (this.#slots.size > max) this.#drop(this.#list.oldestOf(ENDS))
  }

  /** Removes an id, and returns whether it was there. @param {Id} id */
  take(id) {
    const slot = this.#slots.get(id)
    if (slot === undefined) return false
    this.#drop(slot)
    return true
  }

  /** @param {number} slot */
  #drop(slot) {
    this.#slots.delete(slot)
    this.#list.unlink(slot)
    this.#list.release(slot)
  }
}

module.exports = { Ghosts }
