'use strict'

const native = require('../native')
const { clock } = require('./clock')

/** Decoded copies of native storage that are kept at most, and how many bytes they were. In heap storage every entry is here. */
const MAX_ENTRIES = 4096
const MAX_BYTES = 16 << 20
/** Entries of heap storage that are found without a look at all of them. */
const MAX_HOT = 2048
/** In place of a generation: it was used twice lately. */
const HOT = -1

/**
 * @template V
 * @typedef {object} NearEntry the value of a cache entry, and its slot
 * @property {import('../../index').Id} id
 * @property {number} slot
 * @property {V} value
 * @property {Promise<V> | undefined} promise already resolved; kept for what is hot
 * @property {{ refresh: number, fresh: number } | undefined} times when it should be loaded anew, and until when it is
 * fresh; most caches have none, and objects are many: each field costs the collector
 * @property {{ version: number, size: number } | undefined} origin of what was decoded: what the word of versions said, and
 * the encoded bytes
 * @property {number} generation in which it was used last, or HOT
 */

/**
 * Values on this side of the border: those of heap storage, which are nowhere else, or the decoded ones that were used
 * lately. A copy is as good as its entry while the entry's word of versions says so.
 * @template V
 */
class NearCache {
  /** @type {Map<import('../../index').Id, NearEntry<V>>} */
  #byId = new Map()
  /**
   * Of heap storage those that were used twice lately: in a large map a lookup waits for memory.
   * @type {Map<import('../../index').Id, NearEntry<V>>}
   */
  #hot = new Map()
  /** Counts how often `#hot` was filled. */
  #generation = 1
  /** @type {(NearEntry<V> | undefined)[]} in heap storage, by slot */
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
    if (versions !== null) this.#decoded = new Uint32Array(native.VERSION_WORDS)
  }

  /**
   * The copy if its entry is fresh.
   * @param {import('../../index').Id} id
   */
  get(id) {
    const entry = this.#hot.get(id) ?? this.#find(id)
    if (entry?.times === undefined) return entry
    return clock.now() < entry.times.fresh ? entry : undefined
  }

  /**
   * The copy if its entry is fresh and not due for a refresh.
   * @param {import('../../index').Id} id
   */
  getIfNotDue(id) {
    const entry = this.#hot.get(id) ?? this.#find(id)
    if (entry?.times === undefined) return entry
    return clock.now() < Math.min(entry.times.refresh, entry.times.fresh) ? entry : undefined
  }

  /** @param {import('../../index').Id} id */
  #find(id) {
    const entry = this.#byId.get(id)
    if (entry === undefined) return undefined
    if (this.#isHeap) this.#promote(entry)
    else if (/** @type {Uint32Array} */ (this.#versions)[entry.slot % native.VERSION_WORDS] !== entry.origin?.version)
      return undefined
    return entry
  }

  /** @param {NearEntry<V>} entry */
  #promote(entry) {
    if (entry.generation !== this.#generation) {
      entry.generation = this.#generation
      return
    }
    if (this.#hot.size === MAX_HOT) this.#demoteAll()
    entry.generation = HOT
    this.#hot.set(entry.id, entry)
  }

  #demoteAll() {
    for (const entry of this.#hot.values()) {
      entry.generation = 0
      entry.promise = undefined
    }
    this.#hot = new Map()
    this.#generation++
  }

  /** The value of an entry of heap storage, fresh or not. @param {number} slot */
  atSlot(slot) {
    return /** @type {NearEntry<V>} */ (this.#bySlot[slot])
  }

  /** The value of an id in heap storage, fresh or not. @param {import('../../index').Id} id */
  getStale(id) {
    return this.#byId.get(id)
  }

  /** @param {NearEntry<V>} entry */
  put(entry) {
    if (this.#isHeap) {
      this.#bySlot[entry.slot] = entry
      this.#byId.set(entry.id, entry)
    } else if (this.#versions !== null && sizeOf(entry) <= MAX_BYTES && this.#isRepeatedUse(entry)) {
      entry.generation = HOT
      this.delete(entry.id)
      this.#byId.set(entry.id, entry)
      this.#bytes += sizeOf(entry)
      while (this.#byId.size > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.delete(this.#byId.keys().next().value)
    }
  }

  /** @param {NearEntry<V>} entry */
  #isRepeatedUse({ slot, origin }) {
    const mark = (Math.imul(slot, 31) + (origin?.version ?? 0) + 1) >>> 0
    const index = slot % native.VERSION_WORDS
    if (this.#decoded[index] === mark) return true
    this.#decoded[index] = mark
    return false
  }

  /** The entry of a decoded copy is gone. @param {import('../../index').Id | undefined} id */
  delete(id) {
    const entry = this.#byId.get(/** @type {import('../../index').Id} */ (id))
    if (entry === undefined) return
    this.#bytes -= sizeOf(entry)
    this.#byId.delete(entry.id)
  }

  /**
   * An entry of heap storage is gone.
   * @param {number} slot
   */
  deleteSlot(slot) {
    const entry = /** @type {NearEntry<V>} */ (this.#bySlot[slot])
    this.#bySlot[slot] = undefined
    this.#byId.delete(entry.id)
    if (entry.generation === HOT) this.#hot.delete(entry.id)
    return entry
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
 * @param {NearEntry<any>['origin']} origin
 * @returns {NearEntry<any>}
 */
function nearEntry(id, slot, value, refresh, fresh, origin) {
  const times = refresh === Infinity && fresh === Infinity ? undefined : { refresh, fresh }
  // What a hit reads comes first, within one cache line.
  return { times, promise: undefined, generation: 0, value, slot, id, origin }
}

/** @param {NearEntry<any>} entry */
function sizeOf({ origin }) {
  return origin === undefined ? 0 : origin.size
}

/** What a heap held that was cleared. @param {(NearEntry<any> | undefined)[]} entries @param {number} reason */
function* deletedEntries(entries, reason) {
  for (const entry of entries) if (entry !== undefined) yield { id: entry.id, value: entry.value, reason }
}

/** @param {NearEntry<any>[]} entries @returns {IterableIterator<[any, any]>} */
function* entryPairs(entries) {
  for (const { id, value } of entries) yield [id, value]
}

module.exports = { NearCache, HOT, nearEntry, deletedEntries, entryPairs }
