'use strict'

/** Maximum number of ids. */
const MAX = 2048
/** Lookups after which their hits decide whether the next ones are served. */
const WINDOW = 1024
/** Fewest hits of a window after which the next is served too. */
const ENOUGH = 0.9 * WINDOW
/** Lookups that are not served after a window with fewer hits. */
const PAUSE = 16 * WINDOW
/** One of this number of lookups that find an id elsewhere, at random, adds it: popular ids are soon here, others seldom. */
const SHARE = 16
/** Initial number of flags. */
const INITIAL = 64

/**
 * Slots of ids that are looked up again and again, by the string objects that callers pass. V8 keeps the hash of a string object, so a
 * Map finds an object that is passed again faster than any hash that JavaScript computes; but it is slow for an object that is new.
 * Few ids that get nearly all lookups are often constants of the program, whereas those of a large set come from requests: so this
 * serves lookups only while it has nearly all of their ids.
 */
class RecentSlots {
  /** @type {Map<string, number>} */
  #slots = new Map()
  /** Whether an id is here, by slot. */
  #flags = new Uint8Array(INITIAL)
  #pause = PAUSE
  #lookups = 0
  #hits = 0
  #random = 1

  /** @param {string} id */
  get(id) {
    if (this.#pause > 0) {
      this.#pause--
      return undefined
    }
    const slot = this.#slots.get(id)
    if (slot !== undefined) this.#hits++
    if (++this.#lookups === WINDOW) this.#endWindow()
    return slot
  }

  /** Notes that a lookup found an id elsewhere. @type {(id: string, slot: number) => void} */
  note(id, slot) {
    // A linear congruential generator (Knuth, TAOCP 2, section 3.3.4).
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0
    if (this.#random >>> 0 >= 2 ** 32 / SHARE) return
    if (this.#slots.size === MAX) this.#clear()
    if (slot >= this.#flags.length) this.#grow(slot)
    this.#slots.set(id, slot)
    this.#flags[slot] = 1
  }

  /** Removes the id of a slot, if it is here. @type {(slot: number, id: any) => void} */
  delete(slot, id) {
    if (this.#flags[slot] !== 1) return
    this.#flags[slot] = 0
    this.#slots.delete(id)
  }

  #endWindow() {
    if (this.#hits < ENOUGH) this.#pause = PAUSE
    this.#lookups = this.#hits = 0
  }

  #clear() {
    for (const slot of this.#slots.values()) this.#flags[slot] = 0
    this.#slots = new Map()
  }

  /** @param {number} slot without a flag */
  #grow(slot) {
    const larger = new Uint8Array(2 * slot)
    larger.set(this.#flags)
    this.#flags = larger
  }
}

module.exports = { RecentSlots }
