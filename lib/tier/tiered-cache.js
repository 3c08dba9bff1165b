'use strict'

const { clock } = require('../cache/clock')
const { LoadCoordinator, noLoaderError } = require('../cache/load-coordinator')
const { NativeStore } = require('../cache/native-store')
const { checkId, checkNoThird, checkResize, closedError, readCall, readCallOptions } = require('../cache/options')
const { resolved } = require('../internal/deferred')
const { OffloopError } = require('../internal/errors')
const { markCopy } = require('../internal/package-copy')
const { checkObject, checkOptions, invalidThis } = require('../internal/validate')
const { Asks } = require('./asks')
const { BareFlights } = require('./bare-flights')
const { Counts } = require('./counts')
const { Held } = require('./held')
const { Loads } = require('./loads')
const { ABSENT, Batch, checkedIds, resultsOf } = require('./many')
const { memberOf } = require('./member')
const { readChange, readGet, readSignal, readTieredOptions } = require('./options')
const { Records } = require('./records')
const { Tier } = require('./tier')
const { Values } = require('./values')
const { Waits } = require('./waits')
const { Writes } = require('./writes')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../cache/flight').Flight} Flight
 * @typedef {import('./parts').Parts} Parts
 * @typedef {import('./link').State} State
 * @typedef {import('./loads').Loader} Loader
 *
 * Options of a call: the loader, how to ask the tier, and the loader of many ids.
 * @typedef {object} Wanted
 * @property {Loader | undefined} load
 * @property {import('./loads').How} how
 * @property {AbortSignal | undefined} signal
 * @property {number | undefined} maxStale
 * @property {Function | undefined} many
 */

const LIMITS = ['max', 'maxBytes']
const ignore = () => {}

class TieredCache {
  #store
  #coordinator
  #load
  /** @type {Parts} */
  #parts
  #asks
  #loads
  #writes
  #member
  #isOpen = true
  /** Number of calls of `get`: beats need calls. */
  #calls = 0
  /** Error if the settings do not match. @type {Error | undefined} */
  #refusal

  /** @param {import('../..').TieredCacheOptions<any, any>} options */
  constructor(options) {
    const read = readTieredOptions(options)
    const { link, settings } = Tier.join(read.tier)
    const { name, codec, letter } = read
    const { maxValueBytes: maxBytes, compressor, leaseTtl: lease, whenDown } = settings
    const copies = read.copies(settings.space)
    const times = { ...read.times, lease }
    const counts = new Counts()
    this.#load = read.load
    this.#store = new NativeStore(copies)
    this.#coordinator = new LoadCoordinator(this.#store, copies)
    this.#parts = {
      name,
      times,
      whenDown,
      codec,
      link,
      counts,
      records: new Records(name, link, counts, times),
      held: new Held(this.#store),
      waits: new Waits(),
      values: new Values({ codec: letter, maxBytes, compressor }),
      bare: new BareFlights(this.#coordinator),
      writing: new Set(),
      onError: settings.onError
    }
    this.#loads = new Loads(this.#parts)
    this.#asks = new Asks(this.#coordinator, this.#loads, this.#parts.bare)
    this.#writes = new Writes(this.#parts, this.#coordinator, this.#loads)
    this.#member = memberOf(
      this.#parts,
      this.#store,
      read.settings,
      () => this.#calls,
      error => {
        this.#refusal = error
      }
    )
    link.enter(this.#member)
  }

  /** @type {(value: unknown) => value is TieredCache} */
  static #is(value) {
    return typeof value === 'object' && value !== null && #store in value
  }

  /** Throws unless a method was called on an open cache. @type {(cache: unknown) => asserts cache is TieredCache} */
  static #checkOpen(cache) {
    if (!TieredCache.#is(cache)) throw invalidThis('TieredCache', cache)
    if (!cache.#isOpen) throw closedError()
    if (cache.#refusal !== undefined) throw cache.#refusal
  }

  /** @type {(cache: unknown, id: unknown) => void} */
  static #check(cache, id) {
    if (!TieredCache.#is(cache)) throw invalidThis('TieredCache', cache)
    if (typeof id !== 'string') checkId(id)
    TieredCache.#checkOpen(cache)
  }

  get size() {
    if (!TieredCache.#is(this)) throw invalidThis('TieredCache', this)
    return this.#isOpen ? this.#store.size : 0
  }

  get bytes() {
    if (!TieredCache.#is(this)) throw invalidThis('TieredCache', this)
    return this.#isOpen ? this.#store.bytes : 0
  }

  get tierState() {
    if (!TieredCache.#is(this)) throw invalidThis('TieredCache', this)
    return this.#isOpen ? this.#parts.link.stateOf(this.#member) : 'down'
  }

  /**
   * @param {Id} id
   * @param {any} [options] or a loader
   * @param {undefined} [extra] refused
   * @returns {Promise<any>}
   */
  get(id, options, extra) {
    if (!TieredCache.#is(this)) return Promise.reject(invalidThis('TieredCache', this))
    this.#calls++
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
    if (!TieredCache.#is(this)) throw invalidThis('TieredCache', this)
    checkNoThird(extra, 'loadMany')
    // Read once, so that the ids that are looked up are those that were checked.
    const list = checkedIds(ids)
    const { load: many, signal } = readCall(options, 'loadMany')
    TieredCache.#checkOpen(this)
    const batch = many === undefined ? undefined : new Batch(many)
    const load = batch?.load ?? this.#load
    const how = { mode: modeOf(load), ...(batch === undefined ? {} : { onAsk: () => batch.expect() }) }
    /** @type {Wanted} */
    const wanted = { load, how, signal, maxStale: undefined, many }
    const unique = [...new Set(list)]
    const outcomes = await Promise.allSettled(unique.map(async id => this.#find(id, wanted)))
    if (signal?.aborted) throw signal.reason
    return resultsOf(unique, outcomes)
  }

  /** @param {Id} id */
  peek(id) {
    TieredCache.#check(this, id)
    return this.tierState === 'blind' ? undefined : this.#store.peek(id)
  }

  /** @param {Id} id */
  has(id) {
    TieredCache.#check(this, id)
    return this.tierState !== 'blind' && this.#store.has(id)
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {{ ttl?: number, everywhere?: boolean }} [options]
   */
  set(id, value, options) {
    return handled(async () => {
      TieredCache.#check(this, id)
      const { ttl, everywhere } = readChange(options, true)
      TieredCache.#checkOpen(this)
      await this.#writes.set(id, value, ttl)
      if (everywhere) await this.#writes.everywhere()
    })
  }

  /**
   * @param {Id} id
   * @param {{ everywhere?: boolean }} [options]
   */
  delete(id, options) {
    return handled(async () => {
      TieredCache.#check(this, id)
      const { everywhere } = readChange(options, false)
      TieredCache.#checkOpen(this)
      const had = await this.#writes.delete([id])
      if (everywhere) await this.#writes.everywhere()
      return had
    })
  }

  /**
   * @param {Id[]} ids
   * @param {{ everywhere?: boolean }} [options]
   */
  deleteMany(ids, options) {
    return handled(async () => {
      const list = checkedIds(ids)
      const { everywhere } = readChange(options, false)
      TieredCache.#checkOpen(this)
      if (list.length > 0) await this.#writes.delete(list)
      if (everywhere) await this.#writes.everywhere()
    })
  }

  /** @param {{ everywhere?: boolean }} [options] */
  clear(options) {
    return handled(async () => {
      const { everywhere } = readChange(options, false)
      TieredCache.#checkOpen(this)
      await this.#writes.clear()
      if (everywhere) await this.#writes.everywhere()
    })
  }

  /**
   * @param {Id} id
   * @param {any} [options]
   * @param {undefined} [extra] refused
   * @returns {Promise<any>}
   */
  async refresh(id, options = {}, extra) {
    TieredCache.#check(this, id)
    checkNoThird(extra, 'load')
    const { load = this.#load, signal } = readCallOptions(options, 'load')
    TieredCache.#checkOpen(this)
    if (load === undefined) throw noLoaderError(id)
    return this.#ask(id, { load, how: { mode: 'refresh' }, signal, maxStale: undefined, many: undefined })
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  async ready(options) {
    TieredCache.#checkOpen(this)
    const signal = readSignal(options)
    const { link } = this.#parts
    const release = link.hold()
    try {
      link.touch()
      while (!this.#isReady) {
        TieredCache.#checkOpen(this)
        if (link.isClosed) throw new OffloopError('ERR_OFFLOOP_CLOSED', 'The tier is closed')
        await link.changed.next(undefined, signal)
      }
    } finally {
      release()
    }
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    TieredCache.#checkOpen(this)
    return this.#store.entries()
  }

  /** @returns {IterableIterator<any>} */
  keys() {
    TieredCache.#checkOpen(this)
    return this.#store.keys()
  }

  /** @returns {IterableIterator<any>} */
  *values() {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator]() {
    return this.entries()
  }

  /** @type {(depth: number, options: object, inspect: Function) => unknown} */
  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    if (!TieredCache.#is(this)) return this
    const { size, bytes, tierState } = this
    return `TieredCache ${inspect(this.#isOpen ? { size, bytes, tierState } : { closed: true }, options)}`
  }

  stats() {
    TieredCache.#checkOpen(this)
    const { counts, link } = this.#parts
    const { gaps, debts, age } = link
    const tier = { ...counts.summary(), gaps, debts, age, state: this.tierState }
    return { ...this.#store.stats(), loads: counts.loads, tier }
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    checkObject(limits, 'The "limits" argument')
    checkOptions(limits, LIMITS, 'limits')
    const { max, maxBytes } = limits
    checkResize({ max, maxBytes })
    TieredCache.#checkOpen(this)
    this.#store.resize({ max, maxBytes })
    this.#store.drainExcessEvictions()
  }

  close() {
    if (!TieredCache.#is(this)) throw invalidThis('TieredCache', this)
    if (!this.#isOpen) return
    this.#isOpen = false
    const { link, held, bare } = this.#parts
    link.leave(this.#member)
    held.close()
    this.#coordinator.close([...this.#store.close(), ...bare.clear()], closedError())
  }

  [Symbol.dispose]() {
    this.close()
  }

  get #isReady() {
    const { tierState } = this
    return tierState === 'sighted' || (tierState === 'blind' && this.#parts.link.maxStale === 0)
  }

  /**
   * @param {Id} id
   * @param {unknown} options or a loader
   * @param {unknown} extra
   * @returns {Promise<any>}
   */
  #getMissed(id, options, extra) {
    try {
      TieredCache.#check(this, id)
      checkNoThird(extra, 'load')
      const { load = this.#load, signal, maxStale } = readGet(options)
      // A getter of the options may have closed the cache.
      TieredCache.#checkOpen(this)
      return this.#find(id, { load, how: { mode: modeOf(load) }, signal, maxStale, many: undefined })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Returns the value of an id, or `ABSENT` if `loadMany` found none.
   * @param {Id} id
   * @param {Wanted} wanted
   * @returns {Promise<any>}
   */
  #find(id, wanted) {
    const { load, how, signal, maxStale, many } = wanted
    const { link } = this.#parts
    const state = link.stateOf(this.#member, maxStale)
    // Without the tier, copies are only known to be younger than its `maxStale`.
    const isTooStrict = state === 'down' && maxStale !== undefined && maxStale < link.maxStale
    if (state === 'blind' || isTooStrict) return this.#ask(id, wanted)
    const loader = this.#loads.through(load, how)
    const partialLoader = many ?? (load === undefined ? loader : undefined)
    const { entry, flight, leads, previous } = this.#coordinator.find(id, loader)
    if (entry !== undefined) {
      if (flight !== undefined) flight.load(loader, previous, partialLoader)
      this.#store.drainExcessEvictions()
      return resolved(entry.value)
    }
    const found = /** @type {Flight} */ (flight)
    if (!leads && state === 'down' && isOlder(found, link.maxStale)) return this.#ask(id, wanted)
    try {
      const outcome = found.join(signal)
      const isWhole = leads ? partialLoader === undefined : !found.mayBeAbsent
      return isWhole ? outcome : this.#orAgain(outcome, found, leads, wanted)
    } finally {
      if (leads) found.load(loader, previous, partialLoader)
      this.#store.drainExcessEvictions()
    }
  }

  /**
   * Returns the value of an id after asking the tier.
   * @param {Id} id
   * @param {Wanted} wanted
   */
  #ask(id, wanted) {
    const { load, how, signal } = wanted
    const { flight, leads, outcome } = this.#asks.ask(id, this.#parts.held.keyOf(id), load, how, signal)
    return this.#orAgain(outcome, flight, leads, wanted)
  }

  /**
   * Repeats a call if the flight of another call ended without a value.
   * @param {Promise<any>} outcome
   * @param {Flight} flight
   * @param {boolean} leads whether the flight is that of this call
   * @param {Wanted} wanted
   * @returns {Promise<any>}
   */
  async #orAgain(outcome, flight, leads, wanted) {
    const value = await outcome
    if (!flight.isAbsent) return value
    if (!leads && wanted.load !== undefined) {
      TieredCache.#checkOpen(this)
      return this.#find(flight.id, wanted)
    }
    if (wanted.many !== undefined) return ABSENT
    throw noLoaderError(flight.id)
  }
}

/** @param {Loader | undefined} load */
function modeOf(load) {
  return load === undefined ? /** @type {const} */ ('look') : /** @type {const} */ ('load')
}

/**
 * Returns whether a load in flight may be too old to join without the tier.
 * @param {Flight} flight
 * @param {number} maxStale
 */
function isOlder({ startedAt }, maxStale) {
  return clock.now() - startedAt > maxStale
}

/**
 * Returns the promise of a change. An unhandled rejection does not end the process, because `onError` receives the error.
 * @template T
 * @param {() => Promise<T>} change
 */
function handled(change) {
  const promise = change()
  promise.catch(ignore)
  return promise
}

markCopy(TieredCache)

module.exports = { TieredCache }
