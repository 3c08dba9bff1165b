'use strict'

/** Initial length of the links. */
const INITIAL = 128
const NONE = 0

/**
 * Doubly linked lists of slots. The first slots are the ends of the lists: the slot before the first and after the last entry of
 * each.
 */
class SlotLists {
  /** Pairs of the newer and the older neighbour, by slot: two arrays would be two lines of memory. */
  #links = new Uint32Array(INITIAL)
  /** First of the released slots; the next one is its older neighbour. */
  #free = NONE
  /** First of the slots that were never used. */
  #unused

  /** @param {number} count of lists */
  constructor(count) {
    this.#unused = count
    for (let ends = 0; ends < count; ends++) this.#links[2 * ends] = this.#links[2 * ends + 1] = ends
  }

  /** Returns a slot that is in no list. */
  allocate() {
    let slot = this.#free
    if (slot !== NONE) this.#free = this.#links[2 * slot + 1]
    else {
      slot = this.#unused++
      if (2 * slot === this.#links.length) this.#grow()
    }
    return slot
  }

  /** Makes a slot that is in no list available to `allocate`. @param {number} slot */
  release(slot) {
    this.#links[2 * slot + 1] = this.#free
    this.#free = slot
  }

  /** Returns the slot of the newest entry of a list; its ends if the list is empty. @param {number} ends */
  newestOf(ends) {
    return this.#links[2 * ends + 1]
  }

  /** Returns the slot of the oldest entry of a list; its ends if the list is empty. @param {number} ends */
  oldestOf(ends) {
    return this.#links[2 * ends]
  }

  /** Appends the slots of a list, the newest first. @type {(ends: number, slots: number[]) => void} */
  collect(ends, slots) {
    for (let slot = this.newestOf(ends); slot !== ends; slot = this.#links[2 * slot + 1]) slots.push(slot)
  }

  /** Makes a slot the newest of a list. @type {(slot: number, ends: number) => void} */
  link(slot, ends) {
    const links = this.#links
    const older = links[2 * ends + 1]
    links[2 * slot] = ends
    links[2 * slot + 1] = older
    links[2 * older] = slot
    links[2 * ends + 1] = slot
  }

  /** Removes a slot from its list. @param {number} slot */
  unlink(slot) {
    const links = this.#links
    const newer = links[2 * slot]
    const older = links[2 * slot + 1]
    links[2 * newer + 1] = older
    links[2 * older] = newer
  }

  #grow() {
    const larger = new Uint32Array(2 * this.#links.length)
    larger.set(this.#links)
    this.#links = larger
  }
}

module.exports = { SlotLists }
