'use strict'

const { clock } = require('./clock')

/** How many words of versions native code has (src/cache/mod.rs). */
const VERSIONS = 4096
/** Decoded copies of native storage that are kept at most, and how many bytes they were. In heap storage every entry is here. */
const MAX_COPIES = 4096
const MAX_BYTES = 16 << 20
/** Entries of heap storage that are found without a look at all of them. */
const MAX_HOT = 2048
/** In place of a round: it was used twice lately. */
const HOT = -1

/**
 * @template V
 * @typedef {object} Copy an entry's value, and where the entry is
 * @property {import('../../index').Id} id
 * @property {number} slot
 * @property {V} value
 * @property {Promise<V> | undefined} promise already resolved; kept for what is hot
 * @property {{ refresh: number, fresh: number } | undefined} times when it should be loaded anew, and until when it is
 * fresh; most caches have none, and objects are many: each field costs the collector
 * @property {{ version: number, size: number } | undefined} origin of what was decoded: what the word of versions said, and
 * the encoded bytes
 * @property {number} round in which it was used last, or HOT
 */

/**
 * Values on this side of the border: those of heap storage, which are nowhere else, or the decoded ones that were used
 * lately. A copy is as good as its entry while the entry's word of versions says so.
 * @template V
 */
class Copies {
  /** @type {Map<import('../../index').Id, Copy<V>>} */
  #byId = new Map()
  /**
   * Of heap storage those that were used twice lately: in a large map a lookup waits for memory.
   * @type {Map<import('../../index').Id, Copy<V>>}
   */
  #hot = new Map()
  /** Counts how often `#hot` was filled. */
  #round = 1
  /** @type {(Copy<V> | undefined)[]} in heap storage, by slot */
  #bySlot = []
  /** Encoded bytes of the decoded copies. */
  #bytes = 0
  /** By slot, what was decoded last: only what is used again unchanged is worth a copy. */
  #decoded = new Uint32Array(0)
  #versions
  #isHeap

  /**
   * @param {boolean} isHeap
   * @param {Uint32Array | null} versions of native storage; without them no copies are kept
   */
  constructor(isHeap, versions) {
    this.#isHeap = isHeap
    this.#versions = versions
    if (versions !== null) this.#decoded = new Uint32Array(VERSIONS)
  }

  /**
   * The copy if its entry is fresh.
   * @param {import('../../index').Id} id
   */
  get(id) {
    const copy = this.#hot.get(id) ?? this.#find(id)
    if (copy?.times === undefined) return copy
    return clock.now() < copy.times.fresh ? copy : undefined
  }

  /**
   * The copy if its entry is fresh and not due for a refresh.
   * @param {import('../../index').Id} id
   */
  getIfNotDue(id) {
    const copy = this.#hot.get(id) ?? this.#find(id)
    if (copy?.times === undefined) return copy
    return clock.now() < Math.min(copy.times.refresh, copy.times.fresh) ? copy : undefined
  }

  /** @param {import('../../index').Id} id */
  #find(id) {
    const copy = this.#byId.get(id)
    if (copy === undefined) return undefined
    if (this.#isHeap) this.#warm(copy)
    else if (/** @type {Uint32Array} */ (this.#versions)[copy.slot % VERSIONS] !== copy.origin?.version)
      return undefined
    return copy
  }

  /** @param {Copy<V>} copy */
  #warm(copy) {
    if (copy.round !== this.#round) {
      copy.round = this.#round
      return
    }
    if (this.#hot.size === MAX_HOT) this.#cool()
    copy.round = HOT
    this.#hot.set(copy.id, copy)
  }

  #cool() {
    for (const copy of this.#hot.values()) {
      copy.round = 0
      copy.promise = undefined
    }
    this.#hot = new Map()
    this.#round++
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
    } else if (this.#versions !== null && sizeOf(copy) <= MAX_BYTES && this.#isUsedAgain(copy)) {
      copy.round = HOT
      this.forget(copy.id)
      this.#byId.set(copy.id, copy)
      this.#bytes += sizeOf(copy)
      while (this.#byId.size > MAX_COPIES || this.#bytes > MAX_BYTES) this.forget(this.#byId.keys().next().value)
    }
  }

  /** @param {Copy<V>} copy */
  #isUsedAgain({ slot, origin }) {
    const mark = (Math.imul(slot, 31) + (origin?.version ?? 0) + 1) >>> 0
    const place = slot % VERSIONS
    if (this.#decoded[place] === mark) return true
    this.#decoded[place] = mark
    return false
  }

  /** The entry of a decoded copy is gone. @param {import('../../index').Id | undefined} id */
  forget(id) {
    const copy = this.#byId.get(/** @type {import('../../index').Id} */ (id))
    if (copy === undefined) return
    this.#bytes -= sizeOf(copy)
    this.#byId.delete(copy.id)
  }

  /**
   * An entry of heap storage is gone.
   * @param {number} slot
   */
  drop(slot) {
    const copy = /** @type {Copy<V>} */ (this.#bySlot[slot])
    this.#bySlot[slot] = undefined
    this.#byId.delete(copy.id)
    if (copy.round === HOT) this.#hot.delete(copy.id)
    return copy
  }

  /** Returns what was held, by slot. */
  clear() {
    const held = this.#bySlot
    this.#byId = new Map()
    this.#hot = new Map()
    this.#bySlot = []
    this.#bytes = 0
    return held
  }
}

/**
 * @param {import('../../index').Id} id
 * @param {number} slot
 * @param {any} value
 * @param {number} refresh
 * @param {number} fresh
 * @param {Copy<any>['origin']} origin
 * @returns {Copy<any>}
 */
function copyOf(id, slot, value, refresh, fresh, origin) {
  const times = refresh === Infinity && fresh === Infinity ? undefined : { refresh, fresh }
  // What a hit reads comes first, within one cache line.
  return { times, promise: undefined, round: 0, value, slot, id, origin }
}

/** @param {Copy<any>} copy */
function sizeOf({ origin }) {
  return origin === undefined ? 0 : origin.size
}

/** What a heap held that was cleared. @param {(Copy<any> | undefined)[]} copies @param {number} reason */
function* deleted(copies, reason) {
  for (const copy of copies) if (copy !== undefined) yield { id: copy.id, value: copy.value, reason }
}

/** @param {Copy<any>[]} copies @returns {IterableIterator<[any, any]>} */
function* values(copies) {
  for (const { id, value } of copies) yield [id, value]
}

module.exports = { Copies, HOT, copyOf, deleted, values }
