'use strict'

/** Initial number of slots. */
const INITIAL = 64
/** Slot before the first and after the last entry. */
const ENDS = 0

/** Slots of entries in the order of their use: a doubly linked list in two arrays, indexed by slot. Slots begin at 1. */
class LruList {
  #newer = new Uint32Array(INITIAL)
  #older = new Uint32Array(INITIAL)
  /** A slot that was freed; `#older` has the next one. */
  #free = ENDS
  /** Slots that were never used begin here. */
  #unused = 1

  /** Slot of the least recently used entry, or 0. */
  get oldest() {
    return this.#newer[ENDS]
  }

  /** Returns a slot for a new entry, which becomes the most recently used one. */
  insert() {
    let slot = this.#free
    if (slot !== ENDS) this.#free = this.#older[slot]
    else {
      slot = this.#unused++
      if (slot === this.#older.length) this.#grow()
    }
    this.#link(slot)
    return slot
  }

  /** Makes an entry the most recently used one. @param {number} slot */
  touch(slot) {
    if (this.#older[ENDS] === slot) return
    this.#unlink(slot)
    this.#link(slot)
  }

  /** @param {number} slot */
  remove(slot) {
    this.#unlink(slot)
    this.#older[slot] = this.#free
    this.#free = slot
  }

  /** Returns all slots, the most recently used first. */
  slots() {
    const slots = []
    for (let slot = this.#older[ENDS]; slot !== ENDS; slot = this.#older[slot]) slots.push(slot)
    return slots
  }

  /** @param {number} slot */
  #link(slot) {
    const older = this.#older[ENDS]
    this.#newer[slot] = ENDS
    this.#older[slot] = older
    this.#newer[older] = slot
    this.#older[ENDS] = slot
  }

  /** @param {number} slot */
  #unlink(slot) {
    const newer = this.#newer[slot]
    const older = this.#older[slot]
    this.#older[newer] = older
    this.#newer[older] = newer
  }

  #grow() {
    this.#newer = grown(this.#newer)
    this.#older = grown(this.#older)
  }
}

/** @param {Uint32Array} slots */
function grown(slots) {
  const larger = new Uint32Array(2 * slots.length)
  larger.set(slots)
  return larger
}

module.exports = { LruList }
