'use strict'

/** Slots by the time at which their entries expire: a binary heap that knows the index of each slot. */
class ExpiryQueue {
  /** @type {number[]} */
  #slots = []
  /** By slot; undefined for a slot that is not queued. @type {(number | undefined)[]} */
  #indexOf = []
  /** By slot. @type {number[]} */
  #expiresAt = []

  /**
   * @param {number} slot
   * @param {number} expiresAt
   */
  insert(slot, expiresAt) {
    this.#expiresAt[slot] = expiresAt
    this.#rise(this.#slots.length, slot)
  }

  /** Removes a slot if it is queued. @param {number} slot */
  remove(slot) {
    const index = this.#indexOf[slot]
    if (index === undefined) return
    this.#indexOf[slot] = undefined
    const last = /** @type {number} */ (this.#slots.pop())
    if (last === slot) return
    this.#rise(index, last)
    this.#sink(/** @type {number} */ (this.#indexOf[last]), last)
  }

  /** Returns the slot whose entry expired first, or undefined if none has. @param {number} now */
  firstExpired(now) {
    const slot = this.#slots[0]
    return slot !== undefined && this.#expiresAt[slot] <= now ? slot : undefined
  }

  /** Moves a slot from an index towards the root. @type {(index: number, slot: number) => void} */
  #rise(index, slot) {
    const expiresAt = this.#expiresAt[slot]
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = this.#slots[parent]
      if (this.#expiresAt[above] <= expiresAt) break
      this.#place(index, above)
      index = parent
    }
    this.#place(index, slot)
  }

  /** Moves a slot from an index away from the root. @type {(index: number, slot: number) => void} */
  #sink(index, slot) {
    const { length } = this.#slots
    const expiresAt = this.#expiresAt[slot]
    for (;;) {
      let child = 2 * index + 1
      if (child >= length) break
      if (child + 1 < length && this.#expiresAt[this.#slots[child + 1]] < this.#expiresAt[this.#slots[child]]) child++
      const below = this.#slots[child]
      if (this.#expiresAt[below] >= expiresAt) break
      this.#place(index, below)
      index = child
    }
    this.#place(index, slot)
  }

  /** @type {(index: number, slot: number) => void} */
  #place(index, slot) {
    this.#slots[index] = slot
    this.#indexOf[slot] = index
  }
}

module.exports = { ExpiryQueue }
