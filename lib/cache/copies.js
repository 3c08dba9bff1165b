'use strict'

const { clock } = require('./clock')

/** How many words of versions native code has (src/cache/mod.rs). */
const VERSIONS = 4096
/** Decoded copies of native storage that are kept at most. In heap storage every entry is here. */
const MAX_COPIES = 4096

/**
 * @template V
 * @typedef {object} Copy an entry's value, and where the entry is
 * @property {import('../../index').Id} id
 * @property {number} slot
 * @property {number} version
 * @property {V} value
 * @property {Promise<V> | undefined} promise already resolved; made by the first `get`
 * @property {boolean} ages whether `refresh` or `fresh` ever come: asking this first saves most hits two loads
 * @property {number} refresh when it should be loaded anew
 * @property {number} fresh until when it is
 */

/**
 * Values on this side of the border: those of heap storage, which are nowhere else, or the decoded ones that were used
 * lately. A copy is as good as its entry while the entry's word of versions says so.
 * @template V
 */
class Copies {
  /** @type {Map<import('../../index').Id, Copy<V>>} */
  #byId = new Map()
  /** @type {(Copy<V> | undefined)[]} in heap storage, by slot */
  #bySlot = []
  #versions
  #isHeap

  /**
   * @param {boolean} isHeap
   * @param {Uint32Array | null} versions of native storage; without them no copies are kept
   */
  constructor(isHeap, versions) {
    this.#isHeap = isHeap
    this.#versions = versions
  }

  /**
   * The copy if its entry is fresh.
   * @param {import('../../index').Id} id
   */
  get(id) {
    const copy = this.#byId.get(id)
    if (copy === undefined || !this.#isCurrent(copy)) return undefined
    return !copy.ages || clock.now() < copy.fresh ? copy : undefined
  }

  /**
   * The copy if its entry is fresh and not due for a refresh.
   * @param {import('../../index').Id} id
   */
  getIfNotDue(id) {
    const copy = this.#byId.get(id)
    if (copy === undefined || !this.#isCurrent(copy)) return undefined
    return !copy.ages || clock.now() < Math.min(copy.refresh, copy.fresh) ? copy : undefined
  }

  /** @param {Copy<V>} copy */
  #isCurrent(copy) {
    return this.#isHeap || /** @type {Uint32Array} */ (this.#versions)[copy.slot % VERSIONS] === copy.version
  }

  /** The value of an entry of heap storage, fresh or not. @param {number} slot */
  at(slot) {
    return /** @type {Copy<V>} */ (this.#bySlot[slot])
  }

  /** The value of an id in heap storage, fresh or not. @param {import('../../index').Id} id */
  last(id) {
    return this.#byId.get(id)
  }

  /** @param {Copy<V>} copy */
  put(copy) {
    if (this.#isHeap) {
      this.#bySlot[copy.slot] = copy
      this.#byId.set(copy.id, copy)
    } else if (this.#versions !== null) {
      this.#byId.delete(copy.id)
      this.#byId.set(copy.id, copy)
      if (this.#byId.size > MAX_COPIES) this.#byId.delete(this.#byId.keys().next().value ?? copy.id)
    }
  }

  /**
   * An entry of heap storage is gone.
   * @param {number} slot
   */
  drop(slot) {
    const copy = /** @type {Copy<V>} */ (this.#bySlot[slot])
    this.#bySlot[slot] = undefined
    this.#byId.delete(copy.id)
    return copy
  }

  clear() {
    this.#byId = new Map()
    this.#bySlot = []
  }
}

module.exports = { Copies }
