'use strict'

const { HOT } = require('./near-cache')
const { Loads } = require('./load-coordinator')
const { findMany, loadTogether, oneOfMany } = require('./get-many')
const { checkFunction, checkId, checkLoad, checkTime, closedError, readOptions } = require('./options')
const { Store } = require('./store')
const { checkNoOptions, checkOptions, checkSignal, invalidThis, invalidType } = require('../internal/validate')

/** @typedef {import('../..').Id} Id */

const TTL = ['ttl']
const LIMITS = ['max', 'maxBytes']
const SIGNAL = ['signal']

class Cache {
  #store
  #loads
  #load
  #isOpen = true

  /** @param {import('../..').CacheOptions<any, any>} options */
  constructor(options) {
    const read = readOptions(options)
    this.#load = read.load
    this.#store = new Store(read)
    this.#loads = new Loads(this.#store, read)
  }

  /** @param {unknown} value @returns {value is Cache} */
  static #is(value) {
    return typeof value === 'object' && value !== null && #store in value
  }

  get size() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    return this.#isOpen ? this.#store.size : 0
  }

  get bytes() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    return this.#isOpen ? this.#store.bytes : 0
  }

  /**
   * @param {Id} id
   * @param {import('../..').Loader<any, any>} [load]
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  get(id, load, options) {
    if (!Cache.#is(this)) return Promise.reject(invalidThis('Cache', this))
    const copy = options === undefined ? this.#store.use(id) : undefined
    if (copy === undefined) return this.#getSlowly(id, load, options)
    // A promise that is kept for each of many entries costs the collector more than a new one.
    if (copy.round !== HOT) return resolved(copy.value)
    copy.promise ??= resolved(copy.value)
    return copy.promise
  }

  /**
   * @param {Id[]} ids
   * @param {any} [load]
   * @param {unknown} [options] none yet
   * @returns {Promise<Map<any, any>>}
   */
  async getMany(ids, load, options) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    checkNoOptions(options)
    checkFunction('The "loadMany" argument', load)
    if (!Array.isArray(ids)) throw invalidType('The "ids" argument', 'an instance of Array', ids)
    // Read once, so that the ids asked for are those that were checked.
    const list = [...ids]
    for (const id of list) checkId(id)
    this.#checkOpen()
    const one = load === undefined ? this.#load : oneOfMany(load)
    return findMany(
      list,
      id => {
        // The codec may have closed the cache while it decoded an earlier one.
        this.#checkOpen()
        return this.#store.use(id) ?? this.#loads.find(id, one)
      },
      led => {
        if (load !== undefined) loadTogether(led, load)
        else for (const { flight, previous } of led) flight.load(/** @type {any} */ (one), previous)
        this.#store.relieve()
      }
    )
  }

  /** @param {Id} id */
  peek(id) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#check(id)
    return this.#store.peek(id)?.value
  }

  /** @param {Id} id */
  has(id) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#check(id)
    return this.#store.has(id)
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {{ ttl?: number }} [options]
   */
  set(id, value, options) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#check(id)
    let ttl
    if (options !== undefined) {
      checkOptions(options, TTL)
      ttl = options.ttl
      checkTime('"options.ttl"', ttl)
    }
    this.#store.set(id, value, ttl)
    this.#loads.forget(id)
    this.#store.relieve()
  }

  /** @param {Id} id */
  delete(id) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#check(id)
    this.#loads.forget(id)
    const deleted = this.#store.delete(id)
    this.#store.relieve()
    return deleted
  }

  clear() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#checkOpen()
    this.#loads.forgetAll()
    this.#store.clear()
  }

  /**
   * @param {Id} id
   * @param {unknown} [options] none yet
   * @returns {Promise<any>}
   */
  refresh(id, options) {
    try {
      if (!Cache.#is(this)) throw invalidThis('Cache', this)
      checkNoOptions(options)
      this.#check(id)
      return this.#loads.refresh(id, this.#load)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#checkOpen()
    return this.#store.entries()
  }

  [Symbol.iterator]() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    return this.entries()
  }

  stats() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#checkOpen()
    const stats = this.#store.stats()
    // They found nothing, and joined.
    stats.misses += this.#loads.coalesced
    stats.coalesced += this.#loads.coalesced
    return stats
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    checkOptions(limits, LIMITS)
    // Read once, before the check: a getter may close the cache.
    const own = { ...limits }
    this.#checkOpen()
    this.#store.resize(own)
    this.#store.relieve()
  }

  close() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#store.close()
    this.#loads.close(closedError())
  }

  [Symbol.dispose]() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.close()
  }

  /**
   * @param {Id} id
   * @param {import('../..').Loader<any, any> | undefined} load
   * @param {{ signal?: AbortSignal } | undefined} options
   * @returns {Promise<any>}
   */
  #getSlowly(id, load = this.#load, options) {
    try {
      this.#check(id)
      checkLoad(load)
      let signal
      let copy
      if (options !== undefined) {
        signal = signalOf(options)
        copy = this.#store.use(id)
      }
      const found = copy ?? this.#loads.find(id, load)
      if ('value' in found) {
        if ('behind' in found) this.#loadBehind(found.behind, load)
        return resolved(found.value)
      }
      const { flight, leads, previous } = found
      try {
        return flight.join(signal)
      } finally {
        // Whatever a signal of the caller's own making throws, others may wait already.
        if (leads) flight.load(/** @type {any} */ (load), previous)
        this.#store.relieve()
      }
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Loads anew what was served already.
   * @param {import('./load-coordinator').Led} led
   * @param {any} load
   */
  #loadBehind({ flight, previous }, load) {
    flight.load(load, previous)
    this.#store.relieve()
  }

  /** @param {Id} id */
  #check(id) {
    if (typeof id !== 'string') checkId(id)
    this.#checkOpen()
  }

  #checkOpen() {
    if (!this.#isOpen) throw closedError()
  }
}

/**
 * Returns a promise of a value. It rejects if inspecting the value throws, as a user-defined promise may.
 * @param {unknown} value
 * @returns {Promise<any>}
 */
function resolved(value) {
  try {
    return Promise.resolve(value)
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * The signal of a caller, who still wants an answer.
 * @param {{ signal?: AbortSignal }} options
 */
function signalOf(options) {
  checkOptions(options, SIGNAL)
  const { signal } = options
  if (signal === undefined) return undefined
  checkSignal(signal)
  if (signal.aborted) throw signal.reason
  return signal
}

module.exports = { Cache }
