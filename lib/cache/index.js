'use strict'

const { LoadCoordinator, noLoaderError } = require('./load-coordinator')
const { getMany, loadMany, loaderOfOne } = require('./get-many')
const {
  checkId,
  checkNoThird,
  checkNumber,
  checkResize,
  closedError,
  readCall,
  readCallOptions,
  readOptions
} = require('./options')
const { HeapStore } = require('./heap-store')
const { NativeStore } = require('./native-store')
const { resolved } = require('../internal/deferred')
const { markCopy } = require('../internal/package-copy')
const { checkObject, checkOptions, invalidThis, invalidType } = require('../internal/validate')

/** @typedef {import('../..').CacheId} Id */

const TTL = ['ttl']
const LIMITS = ['max', 'maxBytes']

class Cache {
  #store
  #coordinator
  #load
  #isOpen = true

  /** @param {import('../..').CacheOptions<any, any>} options */
  constructor(options) {
    const read = readOptions(options)
    this.#load = read.load
    this.#store = read.isHeap ? new HeapStore(read) : new NativeStore(read)
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
   * @param {any} [options] or a loader
   * @param {undefined} [extra] refused
   * @returns {Promise<any>}
   */
  get(id, options, extra) {
    if (!Cache.#is(this)) return Promise.reject(invalidThis('Cache', this))
    const isPlain = extra === undefined && (options === undefined || typeof options === 'function')
    return (isPlain ? this.#store.getResolved(id) : undefined) ?? this.#getMissed(id, options, extra)
  }

  /**
   * @param {Id[]} ids
   * @param {any} [options] or a loader
   * @param {undefined} [extra] refused
   * @returns {Promise<Map<any, any>>}
   */
  async getMany(ids, options, extra) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    checkNoThird(extra, 'loadMany')
    if (!Array.isArray(ids)) throw invalidType('The "ids" argument', 'an instance of Array', ids)
    // Read once, so that the ids that are looked up are those that were checked.
    const list = [...ids]
    for (const [index, id] of list.entries()) checkId(id, index)
    const { load, signal } = readCall(options, 'loadMany')
    Cache.#checkOpen(this)
    const one = load === undefined ? this.#load : loaderOfOne(load)
    /** One error for all ids. @type {Error | undefined} */
    let error
    const missing = (/** @type {Id} */ id) => {
      error ??= noLoaderError(id)
      return error
    }
    return getMany(
      list,
      [load, one],
      id => {
        // The codec may have closed the cache while it decoded an earlier value.
        Cache.#checkOpen(this)
        return this.#near(id) ?? this.#coordinator.find(id, one, missing)
      },
      toLoad => {
        if (load !== undefined) loadMany(toLoad, load)
        else for (const { flight, previous } of toLoad) flight.load(/** @type {any} */ (one), previous)
        this.#store.drainExcessEvictions()
      },
      signal
    )
  }

  /** @param {Id} id */
  peek(id) {
    Cache.#check(this, id)
    return this.#store.peek(id)
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
    this.#store.drainExcessEvictions()
  }

  /** @param {Id} id */
  delete(id) {
    Cache.#check(this, id)
    const deleted = this.#store.delete(id)
    this.#store.drainExcessEvictions()
    return deleted
  }

  clear() {
    Cache.#checkOpen(this)
    this.#store.clear()
  }

  /**
   * @param {Id} id
   * @param {any} [options]
   * @param {undefined} [extra] refused
   * @returns {Promise<any>}
   */
  refresh(id, options = {}, extra) {
    try {
      Cache.#check(this, id)
      checkNoThird(extra, 'load')
      const { load = this.#load, signal } = readCallOptions(options, 'load')
      Cache.#checkOpen(this)
      return this.#join(this.#coordinator.refresh(id, load), load, signal, 'refresh')
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    Cache.#checkOpen(this)
    return this.#store.entries()
  }

  /** @returns {IterableIterator<any>} */
  keys() {
    Cache.#checkOpen(this)
    return this.#store.keys()
  }

  /** @returns {IterableIterator<any>} */
  values() {
    Cache.#checkOpen(this)
    return valuesOf(this.#store.entries())
  }

  /**
   * @param {(value: any, id: any, cache: Cache) => void} callback
   * @param {unknown} [thisArg]
   */
  forEach(callback, thisArg) {
    Cache.#checkOpen(this)
    if (typeof callback !== 'function') throw invalidType('The "callback" argument', 'of type function', callback)
    for (const [id, value] of this.#store.entries()) callback.call(thisArg, value, id, this)
  }

  [Symbol.iterator]() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    return this.entries()
  }

  /** @type {(depth: number, options: object, inspect: Function) => unknown} */
  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    if (!Cache.#is(this)) return this
    const { size, bytes } = this
    return `Cache ${inspect(this.#isOpen ? { size, bytes } : { closed: true }, options)}`
  }

  stats() {
    Cache.#checkOpen(this)
    return this.#store.stats()
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    checkObject(limits, 'The "limits" argument')
    checkOptions(limits, LIMITS, 'limits')
    // Read once, before the check: a getter may close the cache.
    const { max, maxBytes } = limits
    checkResize({ max, maxBytes })
    Cache.#checkOpen(this)
    this.#store.resize({ max, maxBytes })
    this.#store.drainExcessEvictions()
  }

  close() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#coordinator.close(this.#store.close(), closedError())
  }

  [Symbol.dispose]() {
    if (!Cache.#is(this)) throw invalidThis('Cache', this)
    this.close()
  }

  /**
   * @param {Id} id
   * @param {unknown} options or a loader
   * @param {unknown} extra
   * @returns {Promise<any>}
   */
  #getMissed(id, options, extra) {
    try {
      Cache.#check(this, id)
      checkNoThird(extra, 'load')
      const { load = this.#load, signal } = readCall(options, 'load')
      // A getter of the options may have closed the cache.
      Cache.#checkOpen(this)
      const found = (typeof options === 'object' ? this.#near(id) : undefined) ?? this.#coordinator.find(id, load)
      const { entry, flight, previous } = found
      if (entry === undefined) return this.#join(/** @type {any} */ (found), load, signal, 'get')
      if (flight !== undefined) {
        flight.load(/** @type {any} */ (load), previous)
        this.#store.drainExcessEvictions()
      }
      return resolved(entry.value)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Returns an entry that needs no lookup. @type {(id: Id) => import('./flight').Answer | undefined} */
  #near(id) {
    const entry = this.#store.getNear(id)
    return entry && { entry, flight: undefined, leads: false, previous: undefined }
  }

  /**
   * Repeats a call if the flight that it joined ends without a value. Separate from `#join`, which would otherwise allocate a closure
   * for each miss.
   * @param {Promise<any>} outcome
   * @param {import('./flight').Flight} flight
   * @param {any} load
   * @param {AbortSignal | undefined} signal
   * @param {'get' | 'refresh'} call
   * @returns {Promise<any>}
   */
  #orAgain(outcome, flight, load, signal, call) {
    const options = { load, signal }
    const again = () =>
      call === 'get' ? this.#getMissed(flight.id, options, undefined) : this.refresh(flight.id, options)
    return outcome.then(value => (flight.isAbsent ? again() : value))
  }

  /**
   * Waits for a flight, after loading it if this call leads.
   * @param {{ flight: import('./flight').Flight, leads: boolean, previous: unknown }} found
   * @param {any} load
   * @param {AbortSignal | undefined} signal
   * @param {'get' | 'refresh'} call
   */
  #join({ flight, leads, previous }, load, signal, call) {
    try {
      const outcome = flight.join(signal)
      return leads || !flight.mayBeAbsent ? outcome : this.#orAgain(outcome, flight, load, signal, call)
    } finally {
      // Other callers may wait already, even if a user-defined signal threw.
      if (leads) flight.load(load, previous)
      this.#store.drainExcessEvictions()
    }
  }
}

/** @type {(entries: Iterable<[any, any]>) => IterableIterator<any>} */
function* valuesOf(entries) {
  for (const [, value] of entries) yield value
}

markCopy(Cache)

module.exports = { Cache }
