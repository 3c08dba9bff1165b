'use strict'

/** @typedef {import('../../index').CacheId} Id */

/** A Map of V8 fails between 2 ** 23 and 2 ** 24 entries, and each time it grows it stops the event loop for all its entries. */
const MAX_MAP = 2 ** 22
/** Number of Maps of a large index. */
const SHARDS = 64
/** Characters of an id that choose its Map, at each end. */
const HASHED = 16

/** Slots of many ids, in several Maps. It has the methods of a Map that a small cache uses. */
class ShardedIndex {
  /** @type {Map<Id, number>[]} */
  #shards = Array.from({ length: SHARDS }, () => new Map())
  size = 0

  /** Numbers of ids in the Maps. */
  get sizes() {
    return this.#shards.map(shard => shard.size)
  }

  /** @param {Id} id */
  get(id) {
    return this.#shards[shardOf(id)].get(id)
  }

  /** Adds an id that is not in the index. @type {(id: Id, slot: number) => void} */
  set(id, slot) {
    this.#shards[shardOf(id)].set(id, slot)
    this.size++
  }

  /** Removes an id that is in the index. @param {Id} id */
  delete(id) {
    this.#shards[shardOf(id)].delete(id)
    this.size--
  }
}

/** Returns the number of ids that the index of a cache can hold. @param {number} max of the cache */
function capacityFor(max) {
  return max <= MAX_MAP ? MAX_MAP : MAX_MAP * SHARDS
}

/** Returns an empty index. @param {number} capacity that `capacityFor` returned */
function createIndex(capacity) {
  return capacity === MAX_MAP ? /** @type {Map<Id, number>} */ (new Map()) : new ShardedIndex()
}

/** @param {Id} id */
function shardOf(id) {
  if (typeof id === 'number') return mix(Math.trunc(id) ^ (id * 64)) & (SHARDS - 1)
  const text = typeof id === 'string' ? id : `${id}`
  let hash = text.length
  const head = Math.min(text.length, HASHED)
  for (let index = 0; index < head; index++) hash = Math.imul(hash, 31) + text.charCodeAt(index)
  for (let index = Math.max(head, text.length - HASHED); index < text.length; index++)
    hash = Math.imul(hash, 31) + text.charCodeAt(index)
  return mix(hash) & (SHARDS - 1)
}

/** Spreads the bits of a number (the finalizer of MurmurHash3). @param {number} hash */
function mix(hash) {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

module.exports = { MAX_MAP, capacityFor, createIndex }
