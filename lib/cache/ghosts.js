'use strict'

const { IdIndex } = require('./id-index')
const { SlotLists } = require('./slot-lists')

/** @typedef {import('../../index').CacheId} Id */

const ENDS = 0

/** Ids of evicted entries, in the order of eviction. */
class Ghosts {
  #slots
  #list = new SlotLists(1)

  /** @param {number} max maximum number of ids to expect */
  constructor(max) {
    this.#slots = new IdIndex(max)
  }

  /** Adds an id that is not held. @param {Id} id */
  add(id) {
    const slot = this.#list.allocate()
    this.#slots.set(id, slot)
    this.#list.link(slot, ENDS)
  }

  /** Drops the oldest ids beyond a maximum. @param {number} max */
  limit(max) {
    while (this.#slots.size > max) this.#drop(this.#list.oldestOf(ENDS))
  }

  /** Removes an id, and returns whether it was held. @param {Id} id */
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
