'use strict'

const native = require('../native')
const { clock } = require('./clock')

/** Maximum number of decoded copies, and of their encoded bytes, in native storage. Heap storage has all its entries here. */
const MAX_ENTRIES = 4096
const MAX_BYTES = 16 << 20
/** Maximum number of hot entries. */
const MAX_HOT = 2048
/** Generation of a hot entry. */
const HOT = -1

/**
 * @typedef {import('../../index').CacheId} Id
 *
 * @typedef {object} NearEntry the value of a cache entry, and its slot
 * @property {Id} id
 * @property {number} slot
 * @property {any} value
 * @property {Promise<any> | undefined} promise a resolved one, kept while the entry is hot
 * @property {{ refresh: number, fresh: number } | undefined} times when to reload it, and until when it is fresh. One field,
 * since most caches have no times and each field of each entry costs the garbage collector
 * @property {{ version: number, size: number } | undefined} origin version word and encoded bytes of a decoded copy
 * @property {number} generation of its last use, or HOT
 */

/**
 * Values in JavaScript: all those of heap storage, or decoded copies of those in native storage. A copy is valid while the
 * version word of its slot is unchanged. See docs/internals/near-cache.md.
 */
class NearCache {
  /** @type {Map<Id, NearEntry>} */
  #byId = new Map()
  /** Entries of heap storage used twice recently; a lookup in the large map would wait for memory. @type {Map<Id, NearEntry>} */
  #hot = new Map()
  /** Increases when `#hot` is emptied. */
  #generation = 1
  /** Entries of heap storage. @type {(NearEntry | undefined)[]} */
  #bySlot = []
  /** Encoded bytes of the decoded copies. */
  #bytes = 0
  /** Mark of the latest decoded value, by index of its version word: a value that is decoded twice unchanged is kept. */
  #decoded = new Uint32Array(0)
  #versions
  #isHeap

  /**
   * @param {boolean} isHeap
   * @param {Uint32Array | null} versions version words of native storage; without them no copies are kept
   */
  constructor(isHeap, versions) {
    this.#isHeap = isHeap
    this.#versions = versions
    if (versions !== null) this.#decoded = new Uint32Array(native.VERSION_WORDS)
  }

  /** Returns a fresh entry. @param {Id} id */
  get(id) {
    const entry = this.#hot.get(id) ?? this.#find(id)
    if (entry?.times === undefined) return entry
    return clock.now() < entry.times.fresh ? entry : undefined
  }

  /** Returns a fresh entry that is not due for a refresh. @param {Id} id */
  getIfNotDue(id) {
    const entry = this.#hot.get(id) ?? this.#find(id)
    if (entry?.times === undefined) return entry
    return clock.now() < Math.min(entry.times.refresh, entry.times.fresh) ? entry : undefined
  }

  /** @param {Id} id */
  #find(id) {
    const entry = this.#byId.get(id)
    if (entry === undefined) return undefined
    if (this.#isHeap) this.#promote(entry)
    else if (/** @type {Uint32Array} */ (this.#versions)[entry.slot % native.VERSION_WORDS] !== entry.origin?.version)
      return undefined
    return entry
  }

  /** @param {NearEntry} entry */
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

  /** Returns an entry of heap storage, fresh or not. @param {number} slot */
  atSlot(slot) {
    return /** @type {NearEntry} */ (this.#bySlot[slot])
  }

  /** Returns an entry of heap storage, fresh or not. @param {Id} id */
  getStale(id) {
    return this.#byId.get(id)
  }

  /** @param {NearEntry} entry */
  put(entry) {
    if (this.#isHeap) {
      this.#bySlot[entry.slot] = entry
      this.#byId.set(entry.id, entry)
    } else if (this.#versions !== null && sizeOf(entry) <= MAX_BYTES && this.#wasDecodedBefore(entry)) {
      entry.generation = HOT
      this.delete(entry.id)
      this.#byId.set(entry.id, entry)
      this.#bytes += sizeOf(entry)
      while (this.#byId.size > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.delete(this.#byId.keys().next().value)
    }
  }

  /** Returns whether the latest value decoded for this version word was the same one. @param {NearEntry} entry */
  #wasDecodedBefore({ slot, origin }) {
    const mark = (Math.imul(slot, 31) + (origin?.version ?? 0) + 1) >>> 0
    const index = slot % native.VERSION_WORDS
    if (this.#decoded[index] === mark) return true
    this.#decoded[index] = mark
    return false
  }

  /** Deletes a decoded copy. @param {Id | undefined} id */
  delete(id) {
    const entry = this.#byId.get(/** @type {Id} */ (id))
    if (entry === undefined) return
    this.#bytes -= sizeOf(entry)
    this.#byId.delete(entry.id)
  }

  /** Deletes and returns an entry of heap storage. @param {number} slot */
  deleteSlot(slot) {
    const entry = /** @type {NearEntry} */ (this.#bySlot[slot])
    this.#bySlot[slot] = undefined
    this.#byId.delete(entry.id)
    if (entry.generation === HOT) this.#hot.delete(entry.id)
    return entry
  }

  /** Returns the former entries of heap storage. */
  clear() {
    const entries = this.#bySlot
    this.#byId = new Map()
    this.#hot = new Map()
    this.#bySlot = []
    this.#bytes = 0
    return entries
  }
}

/**
 * @param {Id} id
 * @param {number} slot
 * @param {any} value
 * @param {number} refresh
 * @param {number} fresh
 * @param {NearEntry['origin']} origin
 * @returns {NearEntry}
 */
function nearEntry(id, slot, value, refresh, fresh, origin) {
  const times = refresh === Infinity && fresh === Infinity ? undefined : { refresh, fresh }
  // The fields that a hit reads come first, within one cache line.
  return { times, promise: undefined, generation: 0, value, slot, id, origin }
}

/** @param {NearEntry} entry */
function sizeOf({ origin }) {
  return origin === undefined ? 0 : origin.size
}

/** Yields the evictions of entries that were cleared. @param {(NearEntry | undefined)[]} entries */
function* deletions(entries) {
  const reason = native.EvictionReason.Deleted
  for (const entry of entries) if (entry !== undefined) yield { id: entry.id, value: entry.value, reason }
}

module.exports = { NearCache, HOT, nearEntry, deletions }
