'use strict'

const { HOT } = require('./near-cache')
const { LoadCoordinator } = require('./load-coordinator')
const { getMany, loadMany, loaderOfOne } = require('./get-many')
const { checkFunction, checkId, checkLoad, checkNumber, closedError, readOptions } = require('./options')
const { Store } = require('./store')
const { checkNoOptions, checkOptions, checkSignal, invalidThis, invalidType } = require('../internal/validate')

/** @typedef {import('../..').CacheId} Id */

const TTL = ['ttl']
const LIMITS = ['max', 'maxBytes']
const SIGNAL = ['signal']

class Cache {
  #store
  #coordinator
  #load
  #isOpen = true

  /** @param {import('../..').CacheOptions<any, any>} options */
  constructor(options) {
    const read = readOptions(options)
    this.#load = read.load
    this.#store = new Store(read)
    this.#coordinator = new LoadCoordinator(this.#store, read)
  }

  /** @type {(value: unknown) => value is Cache} */
  static #is(value) {
    return typeof value === 'object' && value !== null && #store in value
  }

  /** Throws unless a method was called on an open cache. @type {(cache: unknown) => void} */
  static #checkOpen(cache) {
    if (!Cache.#is(cache)) throw invalidThis('Cache', cache)
    if (!cache.#isOpen) throw closedError()
  }

  /** @type {(cache: unknown, id: unknown) => void} */
  static #check(cache, id) {
    if (!Cache.#is(cache)) throw invalidThis('Cache', cache)
    if (typeof id !== 'string') checkId(id)
    if (!cache.#isOpen) throw closedError()
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
   * @param {import('../..').CacheLoader<any, any>} [load]
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  get(id, load, options) {
    if (!Cache.#is(this)) return Promise.reject(invalidThis('Cache', this))
    const entry = options === undefined ? this.#store.getNear(id) : undefined
    if (entry === undefined) return this.#getMissed(id, load, options)
    // For the garbage collector a kept promise for each of many entries costs more than a new one for each hit.
    if (entry.generation !== HOT) return resolved(entry.value)
    entry.promise ??= resolved(entry.value)
    return entry.promise
  }

  /**
   * @param {Id[]} ids
   * @param {any} [load]
   * @param {unknown} [options] not supported
   * @returns {Promise<Map<any, any>>}
   */
  async getMany(ids, load, options) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    checkNoOptions(options)
    checkFunction('The "loadMany" argument', load)
    if (!Array.isArray(ids)) throw invalidType('The "ids" argument', 'an instance of Array', ids)
    // Read once, so that the ids that are looked up are those that were checked.
    const list = [...ids]
    for (const id of list) checkId(id)
    Cache.#checkOpen(this)
    const one = load === undefined ? this.#load : loaderOfOne(load)
    return getMany(
      list,
      id => {
        // The codec may have closed the cache while it decoded an earlier value.
        Cache.#checkOpen(this)
        return this.#store.getNear(id) ?? this.#coordinator.find(id, one)
      },
      toLoad => {
        if (load !== undefined) loadMany(toLoad, load)
        else for (const { flight, previous } of toLoad) flight.load(/** @type {any} */ (one), previous)
        this.#store.drainExcessEvictions()
      }
    )
  }

  /** @param {Id} id */
  peek(id) {
    Cache.#check(this, id)
    return this.#store.peek(id)?.value
  }

  /** @param {Id} id */
  has(id) {
    Cache.#check(this, id)
    return this.#store.has(id)
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {{ ttl?: number }} [options]
   */
  set(id, value, options) {
    Cache.#check(this, id)
    let ttl
    if (options !== undefined) {
      checkOptions(options, TTL)
      ttl = options.ttl
      checkNumber('options.ttl', ttl)
    }
    this.#store.set(id, value, ttl)
    this.#coordinator.forget(id)
    this.#store.drainExcessEvictions()
  }

  /** @param {Id} id */
  delete(id) {
    Cache.#check(this, id)
    this.#coordinator.forget(id)
    const deleted = this.#store.delete(id)
    this.#store.drainExcessEvictions()
    return deleted
  }

  clear() {
    Cache.#checkOpen(this)
    this.#coordinator.forgetAll()
    this.#store.clear()
  }

  /**
   * @param {Id} id
   * @param {unknown} [options] not supported
   * @returns {Promise<any>}
   */
  refresh(id, options) {
    try {
      checkNoOptions(options)
      Cache.#check(this, id)
      return this.#coordinator.refresh(id, this.#load)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    Cache.#checkOpen(this)
    return this.#store.entries()
  }

  [Symbol.iterator]() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    return this.entries()
  }

  stats() {
    Cache.#checkOpen(this)
    const stats = this.#store.stats()
    // Native code has not counted callers that joined a flight in JavaScript.
    stats.misses += this.#coordinator.coalesced
    stats.coalesced += this.#coordinator.coalesced
    return stats
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    checkOptions(limits, LIMITS)
    // Read once, before the check: a getter may close the cache.
    const { max, maxBytes } = limits
    Cache.#checkOpen(this)
    this.#store.resize({ max, maxBytes })
    this.#store.drainExcessEvictions()
  }

  close() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#store.close()
    this.#coordinator.close(closedError())
  }

  [Symbol.dispose]() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.close()
  }

  /**
   * @param {Id} id
   * @param {import('../..').CacheLoader<any, any> | undefined} load
   * @param {{ signal?: AbortSignal } | undefined} options
   * @returns {Promise<any>}
   */
  #getMissed(id, load = this.#load, options) {
    try {
      Cache.#check(this, id)
      checkLoad(load)
      let signal
      let entry
      if (options !== undefined) {
        signal = signalOf(options)
        entry = this.#store.getNear(id)
      }
      const found = entry ?? this.#coordinator.find(id, load)
      if ('value' in found) {
        if ('backgroundRefresh' in found) {
          const { flight, previous } = found.backgroundRefresh
          flight.load(/** @type {any} */ (load), previous)
          this.#store.drainExcessEvictions()
        }
        return resolved(found.value)
      }
      const { flight, leads, previous } = found
      try {
        return flight.join(signal)
      } finally {
        // Other callers may wait already, even if a user-defined signal threw.
        if (leads) flight.load(/** @type {any} */ (load), previous)
        this.#store.drainExcessEvictions()
      }
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/**
 * Like `Promise.resolve`, but rejects if that throws, as the getters of a user-defined promise may.
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

/** Returns the signal of a call. Throws its reason if it is aborted. @param {{ signal?: AbortSignal }} options */
function signalOf(options) {
  checkOptions(options, SIGNAL)
  const { signal } = options
  if (signal === undefined) return undefined
  checkSignal(signal)
  if (signal.aborted) throw signal.reason
  return signal
}

module.exports = { Cache }
