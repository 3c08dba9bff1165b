'use strict'

const { HOT } = require('./cache/copies')
const { Loads } = require('./cache/loads')
const { findMany, loadTogether, oneOfMany } = require('./cache/many')
const { checkFunction, checkId, checkLoad, checkTime, closedError, readOptions } = require('./cache/options')
const { Store } = require('./cache/store')
const { checkNoOptions, checkOptions, checkSignal, invalidType } = require('./validate')

/** @typedef {import('../index').Id} Id */

const TTL = ['ttl']
const LIMITS = ['max', 'maxBytes']
const SIGNAL = ['signal']

class Cache {
  #store
  #loads
  #load
  #isOpen = true

  /** @param {import('../index').CacheOptions<any, any>} options */
  constructor(options) {
    const read = readOptions(options)
    this.#load = read.load
    this.#store = new Store(read)
    this.#loads = new Loads(this.#store, read)
  }

  get size() {
    return this.#isOpen ? this.#store.size : 0
  }

  get bytes() {
    return this.#isOpen ? this.#store.bytes : 0
  }

  /**
   * @param {Id} id
   * @param {import('../index').Loader<any, any>} [load]
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  get(id, load, options) {
    const copy = options === undefined ? this.#store.use(id) : undefined
    if (copy === undefined) return this.#getSlowly(id, load, options)
    // A promise that is kept for each of many entries costs the collector more than a new one.
    if (copy.round !== HOT) return Promise.resolve(copy.value)
    copy.promise ??= Promise.resolve(copy.value)
    return copy.promise
  }

  /**
   * @param {Id[]} ids
   * @param {any} [load]
   * @param {unknown} [options] none yet
   * @returns {Promise<Map<any, any>>}
   */
  async getMany(ids, load, options) {
    checkNoOptions(options)
    checkFunction('The "loadMany" argument', load)
    if (!Array.isArray(ids)) throw invalidType('The "ids" argument', 'an instance of Array', ids)
    for (const id of ids) checkId(id)
    this.#checkOpen()
    const one = load === undefined ? this.#load : oneOfMany(load)
    return findMany(
      ids,
      id => this.#store.use(id) ?? this.#loads.find(id, one),
      led => {
        if (load !== undefined) loadTogether(led, load)
        else for (const { flight, previous } of led) flight.load(/** @type {any} */ (one), previous)
        this.#store.relieve()
      }
    )
  }

  /** @param {Id} id */
  peek(id) {
    this.#check(id)
    return this.#store.peek(id)?.value
  }

  /** @param {Id} id */
  has(id) {
    this.#check(id)
    return this.#store.has(id)
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {{ ttl?: number }} [options]
   */
  set(id, value, options) {
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
    this.#check(id)
    this.#loads.forget(id)
    const deleted = this.#store.delete(id)
    this.#store.relieve()
    return deleted
  }

  clear() {
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
      checkNoOptions(options)
      this.#check(id)
      return this.#loads.refresh(id, this.#load)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    this.#checkOpen()
    return this.#store.entries()
  }

  [Symbol.iterator]() {
    return this.entries()
  }

  stats() {
    this.#checkOpen()
    const stats = this.#store.stats()
    // They found nothing, and joined.
    stats.misses += this.#loads.coalesced
    stats.coalesced += this.#loads.coalesced
    return stats
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    checkOptions(limits, LIMITS)
    this.#checkOpen()
    this.#store.resize(limits)
    this.#store.relieve()
  }

  close() {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#store.close()
    this.#loads.close(closedError())
  }

  [Symbol.dispose]() {
    this.close()
  }

  /**
   * @param {Id} id
   * @param {import('../index').Loader<any, any> | undefined} load
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
        return Promise.resolve(found.value)
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
   * @param {import('./cache/loads').Led} led
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
