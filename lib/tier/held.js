'use strict'

const { decodeId, encodeId } = require('./ids')

/** @typedef {import('../../index').CacheId} Id */

/** Maximum number of remembered long ids. One more drops the copy of the oldest. */
const MAX_LONG_IDS = 10_000

/** The copies that this process keeps, by the keys of their records. */
class Held {
  #store
  /** Ids whose keys are hashes, by key, the least recently used first. @type {Map<string, Id>} */
  #longIds = new Map()
  #isClosed = false

  /** @param {import('../cache/native-store').NativeStore} store */
  constructor(store) {
    this.#store = store
  }

  /** Returns the key of an id whose copy may be kept from now on. @param {Id} id */
  keyOf(id) {
    const key = encodeId(id)
    if (key.startsWith('h:')) this.#remember(key, id)
    return key
  }

  /** Drops the copy of a key: its loads in flight will keep none. @param {string} key */
  drop(key) {
    const id = decodeId(key) ?? this.#longIds.get(key)
    if (id === undefined || this.#isClosed) return
    this.#store.delete(id)
    this.#store.drainExcessEvictions()
  }

  clear() {
    if (!this.#isClosed) this.#store.clear()
  }

  /** Ignores later messages: the store has been closed. */
  close() {
    this.#isClosed = true
  }

  /**
   * @param {string} key
   * @param {Id} id
   */
  #remember(key, id) {
    this.#longIds.delete(key)
    this.#longIds.set(key, id)
    if (this.#longIds.size <= MAX_LONG_IDS) return
    const [[oldest, forgotten]] = this.#longIds
    this.#longIds.delete(oldest)
    this.#store.delete(forgotten)
  }
}

module.exports = { Held }
