'use strict'

/** Initial number of slots. */
const INITIAL = 64
const NONE = 0

/**
 * Doubly linked lists of slots in two arrays, indexed by slot. The first slots are the ends of the lists: the slot before the first
 * and after the last entry of each.
 */
class SlotLists {
  #newer = new Uint32Array(INITIAL)
  #older = new Uint32Array(INITIAL)
  /** A slot that was released; `#older` has the next one. */
  #free = NONE
  /** Slots that were never used begin here. */
  #unused

  /** @param {number} count of lists */
  constructor(count) {
    this.#unused = count
    for (let ends = 0; ends < count; ends++) this.#newer[ends] = this.#older[ends] = ends
  }

  /** Returns a slot that is in no list. */
  allocate() {
    let slot = this.#free
    if (slot !== NONE) this.#free = this.#older[slot]
    else {
      slot = this.#unused++
      if (slot === this.#older.length) this.#grow()
    }
    return slot
  }

  /** Makes a slot that is in no list available to `allocate`. @param {number} slot */
  release(slot) {
    this.#older[slot] = this.#free
    this.#free = slot
  }

  /** Slot of the newest entry of a list; its ends if it is empty. @param {number} ends */
  newestOf(ends) {
    return this.#older[ends]
  }

  /** Slot of the oldest entry of a list; its ends if it is empty. @param {number} ends */
  oldestOf(ends) {
    return this.#newer[ends]
  }

  /** Appends the slots of a list, the newest first. @type {(ends: number, slots: number[]) => void} */
  collect(ends, slots) {
    for (let slot = this.#older[ends]; slot !== ends; slot = this.#older[slot]) slots.push(slot)
  }

  /** Makes a slot the newest of a list. @type {(slot: number, ends: number) => void} */
  link(slot, ends) {
    const older = this.#older[ends]
    this.#newer[slot] = ends
    this.#older[slot] = older
    this.#newer[older] = slot
    this.#older[ends] = slot
  }

  /** Removes a slot from its list. @param {number} slot */
  unlink(slot) {
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

module.exports = { SlotLists }
