'use strict'

const { HOT } = require('./near-cache')
const { LoadCoordinator } = require('./load-coordinator')
const { getMany, loadMany, loaderOfOne } = require('./get-many')
const { checkFunction, checkId, checkLoad, checkTime, closedError, readOptions } = require('./options')
const { Store } = require('./store')
const { checkNoOptions, checkOptions, checkSignal, invalidThis, invalidType } = require('../internal/validate')

/** @typedef {import('../..').Id} Id */

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
    const entry = options === undefined ? this.#store.getNear(id) : undefined
    if (entry === undefined) return this.#getMissed(id, load, options)
    // A promise that is kept for each of many entries costs the collector more than a new one.
    if (entry.generation !== HOT) return resolved(entry.value)
    entry.promise ??= resolved(entry.value)
    return entry.promise
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
    const one = load === undefined ? this.#load : loaderOfOne(load)
    return getMany(
      list,
      id => {
        // The codec may have closed the cache while it decoded an earlier one.
        this.#checkOpen()
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
    this.#coordinator.forget(id)
    this.#store.drainExcessEvictions()
  }

  /** @param {Id} id */
  delete(id) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#check(id)
    this.#coordinator.forget(id)
    const deleted = this.#store.delete(id)
    this.#store.drainExcessEvictions()
    return deleted
  }

  clear() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.#checkOpen()
    this.#coordinator.forgetAll()
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
      return this.#coordinator.refresh(id, this.#load)
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
    stats.misses += this.#coordinator.coalesced
    stats.coalesced += this.#coordinator.coalesced
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
   * @param {import('../..').Loader<any, any> | undefined} load
   * @param {{ signal?: AbortSignal } | undefined} options
   * @returns {Promise<any>}
   */
  #getMissed(id, load = this.#load, options) {
    try {
      this.#check(id)
      checkLoad(load)
      let signal
      let entry
      if (options !== undefined) {
        signal = signalOf(options)
        entry = this.#store.getNear(id)
      }
      const found = entry ?? this.#coordinator.find(id, load)
      if ('value' in found) {
        if ('backgroundRefresh' in found) this.#refreshInBackground(found.backgroundRefresh, load)
        return resolved(found.value)
      }
      const { flight, leads, previous } = found
      try {
        return flight.join(signal)
      } finally {
        // Whatever a signal of the caller's own making throws, others may wait already.
        if (leads) flight.load(/** @type {any} */ (load), previous)
        this.#store.drainExcessEvictions()
      }
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Loads anew what was served already.
   * @param {import('./load-coordinator').PendingLoad} pending
   * @param {any} load
   */
  #refreshInBackground({ flight, previous }, load) {
    flight.load(load, previous)
    this.#store.drainExcessEvictions()
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
