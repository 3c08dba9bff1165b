'use strict'

const { SlotLists } = require('./slot-lists')

const ENDS = 0

/** The eviction policy `'lru'`: the least recently used entry is evicted first. */
class LruList extends SlotLists {
  constructor() {
    super(1)
  }

  /** Makes an allocated slot the most recently used one. @param {number} slot */
  insert(slot) {
    this.link(slot, ENDS)
  }

  /** Makes an entry the most recently used one. @param {number} slot */
  touch(slot) {
    if (this.newestOf(ENDS) === slot) return
    this.unlink(slot)
    this.link(slot, ENDS)
  }

  /** @param {number} slot */
  remove(slot) {
    this.unlink(slot)
    this.release(slot)
  }

  /** Returns the rank for an entry that replaces this one: all new entries rank alike. @param {number} _slot */
  rankOf(_slot) {
    return 0
  }

  /** Returns the slot of the entry to evict. */
  victim() {
    return this.oldestOf(ENDS)
  }

  /** Returns the slot of the entry that is evicted next, unless the order changes; the ends if the list is empty. */
  likelyVictim() {
    return this.oldestOf(ENDS)
  }

  /** Returns all slots, the most recently used first. */
  slots() {
    /** @type {number[]} */
    const slots = []
    this.collect(ENDS, slots)
    return slots
  }
}

module.exports = { LruList }
