'use strict'

// A hash table with open addressing and linear probing, which keeps the hashes. A Map of V8 does not: it reads each string that it
// compares, anywhere in the heap. A cache that evicts for each insertion also makes a Map copy its table again and again.

const { RecentSlots } = require('./recent-slots')

/** @typedef {import('../../index').CacheId} Id */

/** Initial length of a table. */
const INITIAL = 16
/** An index for more ids has several tables: one that grows blocks the event loop while all its ids move. */
const MAX_IDS_OF_ONE_TABLE = 2 ** 18
/** Binary logarithm of the number of tables of a large index. */
const TABLE_BITS = 6
/** Longest strings in the tables. Longer ones are in a Map: V8 keeps the hash in the string object. */
const MAX_LENGTH = 64
/** Maximum number of pairs that a lookup reads. Ids that would be further away, as in an attack on the hash, are in a Map. */
const MAX_PROBES = 256
/** Length of the arrays by slot that the owner of an empty index keeps. */
const MAX_IDLE_LENGTH = 1024
/** Initial number of hashes. */
const INITIAL_HASHES = 64
const EMPTY = new Int32Array(2)

/** Secrets of the hash: ids may come from clients. */
const SEED = (Math.random() * 2 ** 32) | 0
const FACTOR = (Math.random() * 2 ** 32) | 1

const FLOAT = new Float64Array(1)
const WORDS = new Int32Array(FLOAT.buffer)

/** Slots by id. A slot is a number from 1, which the owner of the index chooses. */
class IdIndex {
  /**
   * Pairs of a hash and a slot; 0 in place of the slot marks an empty pair. If the id is a 32-bit integer, the slot is negated:
   * different integers have different hashes, so a lookup need not compare the id. The high bits of a hash choose the table, the
   * low ones the pair at which a lookup begins.
   * @type {Int32Array[]}
   */
  #tables
  #tableSizes
  #bits
  /** Ids by slot. @type {any[]} */
  ids = []
  /** Hashes by slot, so that a removal need not hash a string again; 0 if the id has no hash. */
  #hashes = new Int32Array(INITIAL_HASHES)
  /** Slots of the ids that are not in a table. @type {Map<Id, number> | undefined} */
  #others
  /** Created by the first `find`. @type {RecentSlots | undefined} */
  #recent
  size = 0
  /** Keeps the result of `readAhead`: V8 would omit a read whose result is not used. */
  readAheadResult = 0

  /** @param {number} max number of ids, from which the number of tables follows */
  constructor(max) {
    this.#bits = max <= MAX_IDS_OF_ONE_TABLE ? 0 : TABLE_BITS
    this.#tables = new Array(1 << this.#bits).fill(EMPTY)
    this.#tableSizes = new Array(1 << this.#bits).fill(0)
  }

  /** Returns the slot of an id that callers may look up repeatedly. @param {Id} id */
  find(id) {
    if (typeof id !== 'string') return this.get(id)
    this.#recent ??= new RecentSlots()
    const recent = this.#recent.get(id)
    if (recent !== undefined) return recent
    const slot = this.get(id)
    if (slot !== undefined) this.#recent.note(id, slot)
    return slot
  }

  /**
   * Returns the slot of an id.
   * @param {Id} id
   * @param {number | undefined} hash of the id
   */
  get(id, hash = hashOf(id)) {
    if (hash !== undefined) {
      const isInteger = isInt32(id)
      const table = this.#tables[this.#tableOf(hash)]
      const mask = table.length - 1
      for (let index = (2 * hash) & mask, probes = 0; probes < MAX_PROBES; index = (index + 2) & mask, probes++) {
        const signedSlot = table[index + 1]
        if (signedSlot === 0) break
        if (table[index] !== hash) continue
        if (isInteger) {
          if (signedSlot < 0) return -signedSlot
        } else if (signedSlot > 0 && this.ids[signedSlot] === id) return signedSlot
      }
    }
    return this.#others?.get(id)
  }

  /**
   * Adds an id that is not in the index.
   * @param {Id} id
   * @param {number} slot
   * @param {number | undefined} hash of the id
   */
  set(id, slot, hash = hashOf(id)) {
    this.ids[slot] = id
    this.size++
    if (slot >= this.#hashes.length) this.#growHashes(slot)
    this.#hashes[slot] = hash ?? 0
    if (hash === undefined || !this.#insert(hash, signedSlotOf(id, slot))) this.#addOther(slot)
  }

  /** Removes the id of a slot. @param {number} slot */
  delete(slot) {
    const id = this.ids[slot]
    if (!this.#remove(this.#hashes[slot], signedSlotOf(id, slot))) this.#others?.delete(id)
    this.#recent?.delete(slot, id)
    this.ids[slot] = undefined
    this.size--
  }

  /** True if the tables are too large for the caches of a processor. */
  get isLarge() {
    return this.#bits > 0
  }

  /**
   * Reads the pair of an id that is likely to be deleted soon. The pairs of a large index come from memory: just before a lookup,
   * this read overlaps with that of the lookup.
   * @param {number} slot
   */
  readAhead(slot) {
    const hash = this.#hashes[slot]
    const table = this.#tables[this.#tableOf(hash)]
    this.readAheadResult = table[(2 * hash) & (table.length - 1)]
  }

  /** Number of slots in each table. */
  get tableSizes() {
    return [...this.#tableSizes]
  }

  /** Adds the id of a slot to the Map. @param {number} slot */
  #addOther(slot) {
    this.#others ??= new Map()
    this.#others.set(this.ids[slot], slot)
  }

  /** @param {number} hash */
  #tableOf(hash) {
    return (hash >>> 1) >>> (31 - this.#bits)
  }

  /** @param {number} slot for which the array is too short */
  #growHashes(slot) {
    const larger = new Int32Array(2 * slot)
    larger.set(this.#hashes)
    this.#hashes = larger
  }

  /** Returns whether there was an empty pair near enough. @type {(hash: number, signedSlot: number) => boolean} */
  #insert(hash, signedSlot) {
    const number = this.#tableOf(hash)
    if (4 * (this.#tableSizes[number] + 1) > this.#tables[number].length) this.#grow(number)
    if (!put(this.#tables[number], hash, signedSlot)) return false
    this.#tableSizes[number]++
    return true
  }

  /** Doubles a table. @param {number} number */
  #grow(number) {
    const smaller = this.#tables[number]
    const table = new Int32Array(Math.max(INITIAL, 2 * smaller.length))
    for (let index = 0; index < smaller.length; index += 2) {
      const signedSlot = smaller[index + 1]
      if (signedSlot === 0 || put(table, smaller[index], signedSlot)) continue
      this.#addOther(Math.abs(signedSlot))
      this.#tableSizes[number]--
    }
    this.#tables[number] = table
  }

  /** Returns whether the pair was in a table. @type {(hash: number, signedSlot: number) => boolean} */
  #remove(hash, signedSlot) {
    const number = this.#tableOf(hash)
    const table = this.#tables[number]
    const mask = table.length - 1
    let hole = (2 * hash) & mask
    for (; table[hole + 1] !== signedSlot; hole = (hole + 2) & mask) if (table[hole + 1] === 0) return false
    // Close the gap: move each later pair whose lookup passes it (Knuth, TAOCP 3, algorithm 6.4R).
    for (let index = (hole + 2) & mask; table[index + 1] !== 0; index = (index + 2) & mask) {
      const distance = (index - 2 * table[index]) & mask
      if (distance < ((index - hole) & mask)) continue
      table[hole] = table[index]
      table[hole + 1] = table[index + 1]
      hole = index
    }
    table[hole + 1] = 0
    this.#tableSizes[number]--
    return true
  }
}

/** Adds a pair to a table. Returns whether there was an empty one near enough. @type {(table: Int32Array, hash: number, signedSlot: number) => boolean} */
function put(table, hash, signedSlot) {
  const mask = table.length - 1
  for (let index = (2 * hash) & mask, probes = 0; probes < MAX_PROBES; index = (index + 2) & mask, probes++) {
    if (table[index + 1] !== 0) continue
    table[index] = hash
    table[index + 1] = signedSlot
    return true
  }
  return false
}

/** Returns the hash of an id, or `undefined` if the id belongs in the Map. @param {Id} id */
function hashOf(id) {
  if (typeof id === 'string') {
    if (id.length > MAX_LENGTH) return undefined
    let hash = SEED ^ id.length
    for (let index = 0; index < id.length; index++)
      hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ id.charCodeAt(index), FACTOR)
    return mix(hash)
  }
  if (typeof id !== 'number' || Number.isNaN(id)) return undefined
  if (isInt32(id)) return mix(id ^ SEED)
  FLOAT[0] = id
  return mix(Math.imul(WORDS[0] ^ SEED, FACTOR) ^ WORDS[1])
}

/** Returns a slot as tables store it. @type {(id: Id, slot: number) => number} */
function signedSlotOf(id, slot) {
  return isInt32(id) ? -slot : slot
}

/** @type {(id: Id) => id is number} */
function isInt32(id) {
  return typeof id === 'number' && (id | 0) === id
}

/** Spreads the bits of a number; the results for different numbers differ (the finalizer of MurmurHash3). @param {number} hash */
function mix(hash) {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

module.exports = { MAX_IDLE_LENGTH, IdIndex, hashOf }
