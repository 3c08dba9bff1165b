'use strict'

// A hash table with open addressing and linear probing, which keeps the hashes. A Map of V8 keeps none: it reads the strings that it
// compares, all over the heap, and a cache that evicts for each insertion makes it copy its table again and again.

/** @typedef {import('../../index').CacheId} Id */

/** Initial length of the arrays. */
const INITIAL = 64
/** An index for more ids has several tables: one that grows stops the event loop for all its ids. */
const MAX_IDS_OF_ONE_TABLE = 2 ** 18
/** Binary logarithm of the number of tables of a large index. */
const TABLE_BITS = 6
/** Length up to which strings are in the tables. A Map has longer ones: V8 keeps the hash of a string object. */
const MAX_LENGTH = 64
/** Number of elements that a lookup reads at most. Ids that would be further away, as in an attack on the hash, are in a Map. */
const MAX_PROBES = 256
const EMPTY = new Uint32Array(1)

/** Secrets of the hash: ids may come from clients. */
const SEED = (Math.random() * 2 ** 32) | 0
const FACTOR = (Math.random() * 2 ** 32) | 1

const FLOAT = new Float64Array(1)
const WORDS = new Int32Array(FLOAT.buffer)

/** Slots by id. A slot is a number from 1, which the owner of the index chooses. */
class IdIndex {
  /** Slots where their hashes point, or behind; 0 is empty. The high bits of a hash choose the table. @type {Uint32Array[]} */
  #tables
  /** Number of slots in each table. */
  #sizes
  #bits
  /** Hashes by slot. @type {Int32Array} */
  #hashes = new Int32Array(INITIAL)
  /** Ids by slot. @type {any[]} */
  ids = []
  /** Slots of the ids that no table has. @type {Map<Id, number> | undefined} */
  #others
  size = 0

  /** @param {number} max number of ids, from which the number of tables follows */
  constructor(max) {
    this.#bits = max <= MAX_IDS_OF_ONE_TABLE ? 0 : TABLE_BITS
    this.#tables = new Array(1 << this.#bits).fill(EMPTY)
    this.#sizes = new Array(1 << this.#bits).fill(0)
  }

  /**
   * Returns the slot of an id.
   * @param {Id} id
   * @param {number | undefined} hash of the id
   */
  get(id, hash = hashOf(id)) {
    if (hash !== undefined) {
      const table = this.#tables[this.#tableOf(hash)]
      const mask = table.length - 1
      for (let index = hash & mask, end = index + MAX_PROBES; index < end; index++) {
        const slot = table[index & mask]
        if (slot === 0) break
        if (this.#hashes[slot] === hash && this.ids[slot] === id) return slot
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
    if (hash === undefined || !this.#insert(hash, slot)) this.#addOther(slot)
  }

  /** Adds the id of a slot that no table can have. @param {number} slot */
  #addOther(slot) {
    this.#others ??= new Map()
    this.#others.set(this.ids[slot], slot)
  }

  /** Removes the id of a slot. @param {number} slot */
  delete(slot) {
    const id = this.ids[slot]
    this.ids[slot] = undefined
    this.size--
    if (!this.#remove(slot)) this.#others?.delete(id)
  }

  /** Number of slots in each table. */
  get sizes() {
    return [...this.#sizes]
  }

  /** @param {number} hash */
  #tableOf(hash) {
    return (hash >>> 1) >>> (31 - this.#bits)
  }

  /** Returns whether there was an element near enough. @type {(hash: number, slot: number) => boolean} */
  #insert(hash, slot) {
    const number = this.#tableOf(hash)
    if (slot >= this.#hashes.length) this.#hashes = grown(this.#hashes, slot)
    if (2 * (this.#sizes[number] + 1) > this.#tables[number].length) this.#grow(number)
    if (!put(this.#tables[number], hash, slot)) return false
    this.#hashes[slot] = hash
    this.#sizes[number]++
    return true
  }

  /** Doubles a table. @param {number} number */
  #grow(number) {
    const slots = this.#tables[number]
    const table = new Uint32Array(Math.max(8, 2 * slots.length))
    for (const slot of slots) {
      if (slot === 0 || put(table, this.#hashes[slot], slot)) continue
      this.#addOther(slot)
      this.#sizes[number]--
    }
    this.#tables[number] = table
  }

  /** Returns whether a table had the slot. @param {number} slot */
  #remove(slot) {
    const hash = this.#hashes[slot]
    const number = this.#tableOf(hash)
    const table = this.#tables[number]
    const mask = table.length - 1
    let hole = hash & mask
    for (; table[hole] !== slot; hole = (hole + 1) & mask) if (table[hole] === 0) return false
    // Close the gap: move back each slot that is behind it and belongs before it (Knuth, TAOCP 3, algorithm 6.4R).
    for (let index = (hole + 1) & mask; table[index] !== 0; index = (index + 1) & mask) {
      const distance = (index - this.#hashes[table[index]]) & mask
      if (distance < ((index - hole) & mask)) continue
      table[hole] = table[index]
      hole = index
    }
    table[hole] = 0
    this.#sizes[number]--
    return true
  }
}

/** Puts a slot where its hash points, or behind. Returns whether there was an element near enough. @type {(table: Uint32Array, hash: number, slot: number) => boolean} */
function put(table, hash, slot) {
  const mask = table.length - 1
  for (let index = hash & mask, end = index + MAX_PROBES; index < end; index++) {
    if (table[index & mask] !== 0) continue
    table[index & mask] = slot
    return true
  }
  return false
}

/** Returns the hash of an id that the tables can have. @param {Id} id */
function hashOf(id) {
  if (typeof id === 'string') {
    if (id.length > MAX_LENGTH) return undefined
    let hash = SEED ^ id.length
    for (let index = 0; index < id.length; index++)
      hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ id.charCodeAt(index), FACTOR)
    return mix(hash)
  }
  if (typeof id !== 'number' || Number.isNaN(id)) return undefined
  if ((id | 0) === id) return mix(id ^ SEED)
  FLOAT[0] = id
  return mix(Math.imul(WORDS[0] ^ SEED, FACTOR) ^ WORDS[1])
}

/** Spreads the bits of a number (the finalizer of MurmurHash3). @param {number} hash */
function mix(hash) {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** @type {(hashes: Int32Array, slot: number) => Int32Array} */
function grown(hashes, slot) {
  const larger = new Int32Array(Math.max(2 * hashes.length, slot + 1))
  larger.set(hashes)
  return larger
}

module.exports = { IdIndex, hashOf }
