'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../internal/errors')
const { MailKind } = require('../native')
const { completionPort } = require('../native/completion-port')
const { decodeError, encodeError } = require('../internal/error-codec')
const { ABSENT, Flight } = require('./flight')
const { invalidType } = require('../internal/validate')
const { checkTime } = require('./options')

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('../../index').Loader<any, any>} Loader
 * @typedef {import('./store').Store} Store
 * @typedef {import('./flight').LoaderContext} LoaderContext
 * @typedef {{ flight: Flight, previous: unknown }} PendingLoad a flight that its holder must load
 * @typedef {{ value: any, backgroundRefresh?: PendingLoad } | { flight: Flight, leads: boolean, previous: unknown }} LookupResult
 *   `backgroundRefresh` reloads the value after it was served
 */

/** Errors that are kept at most for ids that failed (`errorTtl`); src/cache/failure.rs says when they are given. */
const MAX_FAILURES = 1024

/**
 * Coordinators that await flights of other threads: kept in memory until those flights end.
 * @type {Set<LoadCoordinator>}
 */
const coordinatorsAwaiting = new Set()

/** The flights of a cache, as this environment takes part in them. */
class LoadCoordinator {
  #store
  #name
  #keepsErrors
  /** By id. @type {Map<number, Flight>} */
  #flights = new Map()
  /** Flights that load elsewhere. */
  #remoteFlights = 0
  /**
   * Flights that a `get` joins, by id. Only where no other thread can end them.
   * @type {Map<Id, Flight>}
   */
  #joinable = new Map()
  /** Those who joined them. */
  #coalesced = 0
  /**
   * Errors of ids that failed, unless native code has them, as of named caches. At most MAX_FAILURES.
   * @type {Map<Id, unknown>}
   */
  #errors = new Map()
  /** @type {import('./flight').FlightObserver} */
  #observer

  /**
   * @param {Store} store
   * @param {ReturnType<typeof import('./options').readOptions>} options
   */
  constructor(store, options) {
    this.#store = store
    store.onMessage = (kind, flightId, bytes) => this.#onMessage(kind, flightId, bytes)
    this.#name = options.name
    this.#keepsErrors = options.name === undefined && (options.native.errorTtl ?? 0) > 0
    this.#observer = {
      name: options.name,
      loadTimeout: options.loadTimeout,
      onLoaded: (flight, value, context) => this.#onLoaded(flight, value, context),
      onFailed: (flight, error) => this.#onFailed(flight, error),
      onAbandoned: flight => this.#onAbandoned(flight),
      onTimeout: (flight, error) => this.#onTimeout(flight, error)
    }
  }

  /**
   * A value to be served now, or the flight that brings it: whoever leads must load.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {LookupResult}
   */
  find(id, load) {
    if (load === undefined) {
      const held = this.#store.find(id)
      if (held === undefined) throw noLoaderError(id, 'pass one to the cache as options.load, or to this call')
      return held
    }
    const current = this.#joinable.get(id)
    if (current !== undefined) {
      current.checkNotInside()
      this.#coalesced++
      return { flight: current, leads: false, previous: undefined }
    }
    const { entry, flight, leads, previous, failing } = this.#store.lookUp(id, this, load)
    if (failing !== undefined) return this.#failOrReload(id, failing.bytes, load)
    if (flight === undefined) return /** @type {import('./near-cache').NearEntry<any>} */ (entry)
    return entry === undefined
      ? { flight, leads, previous }
      : { value: entry.value, backgroundRefresh: { flight, previous } }
  }

  /** Those who joined a flight without a question to native code. */
  get coalesced() {
    return this.#coalesced
  }

  /**
   * The value of a load that begins now, or is under way.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {Promise<any>}
   */
  refresh(id, load) {
    if (load === undefined) throw noLoaderError(id, 'pass one to the cache as options.load')
    const { flight, leads, previous } = this.#store.refresh(id, this, load)
    const promise = flight.join(undefined)
    if (leads) flight.load(load, previous)
    return promise
  }

  /** Whoever asks for this id from now on starts anew. @param {Id} id */
  forget(id) {
    if (this.#joinable.size > 0) this.#joinable.delete(id)
    if (this.#errors.size > 0) this.#errors.delete(id)
  }

  forgetAll() {
    this.#joinable.clear()
    this.#errors.clear()
  }

  /** Rejects all flights. @param {unknown} reason */
  close(reason) {
    this.forgetAll()
    const flights = [...this.#flights.values()]
    this.#flights.clear()
    for (const flight of flights) {
      if (flight.isRemote) this.#countRemote(-1)
      flight.stop(reason)
    }
  }

  /**
   * Handles a message of another thread about a flight.
   * @param {number} kind
   * @param {number} flightId
   * @param {Buffer | undefined} bytes
   */
  #onMessage(kind, flightId, bytes) {
    const flight = this.#flights.get(flightId)
    if (flight === undefined) return
    if (flight.isRemote) this.#countRemote(-1)
    if (kind === MailKind.Lead) return flight.takeOver()
    this.#flights.delete(flightId)
    if (kind === MailKind.Value) this.#resolveEncoded(flight, /** @type {Buffer} */ (bytes))
    else if (kind === MailKind.Error) flight.reject(decodeError(/** @type {Buffer} */ (bytes)))
    else if (kind === MailKind.Absent) this.#resolveAbsent(flight)
    else flight.stop(abandonedError())
  }

  /** @param {Flight} flight @param {Buffer} bytes */
  #resolveEncoded(flight, bytes) {
    try {
      flight.resolve(this.#store.decode(flight.id, bytes))
    } catch (error) {
      flight.reject(error)
    }
  }

  /** @param {Flight} flight */
  #resolveAbsent(flight) {
    flight.isAbsent = true
    flight.resolve(undefined)
  }

  /**
   * Joins a flight, or begins to lead it.
   * @param {Id} id
   * @param {number} flightId
   * @param {boolean} leads
   * @param {Loader} load
   * @param {import('./flight').Role} role
   */
  join(id, flightId, leads, load, role) {
    const known = leads ? undefined : this.#flights.get(flightId)
    const flight = known ?? new Flight(id, flightId, this.#observer, leads ? undefined : load)
    if (!leads) this.#checkNotInside(flight)
    if (known !== undefined) return known
    this.#flights.set(flightId, flight)
    flight.isBackground = role === 'background'
    if (leads && role === 'lookup' && this.#name === undefined) this.#joinable.set(id, flight)
    if (!leads) {
      flight.startTimer()
      this.#countRemote(1)
    }
    return flight
  }

  /**
   * Gives up a flight that was to be led from here, before it loads.
   * @param {Flight} flight
   * @param {unknown} error
   */
  abandon(flight, error) {
    if (flight.isSettled) return
    this.#finished(flight)
    this.#store.leave(flight.flightId, false)
    flight.reject(error)
  }

  /** Native code has counted whoever asks among those who wait. @param {Flight} flight */
  #checkNotInside(flight) {
    try {
      flight.checkNotInside()
    } catch (error) {
      if (!flight.isAwaited && !flight.isBackground) this.#store.leave(flight.flightId, flight.isLoading)
      throw error
    }
  }

  /**
   * A load has come back here.
   * @param {Flight} flight
   * @param {any} value
   * @param {LoaderContext} context
   */
  #onLoaded(flight, value, context) {
    if (flight.isSettled) return
    flight.isAbsent = value === ABSENT
    let keeps = false
    let ttl
    let encoded
    try {
      // Each is read once: a loader may have replaced them with getters.
      const { store } = context
      ttl = context.ttl
      checkTime('"context.ttl"', ttl)
      if (typeof store !== 'boolean') throw invalidType('"context.store"', 'of type boolean', store)
      keeps = store && !flight.isAbsent
      // Those who wait in other threads want the bytes even if they are not to be kept.
      if (keeps || (this.#name !== undefined && !flight.isAbsent)) encoded = this.#store.encode(flight.id, value)
    } catch (error) {
      return this.#onFailed(flight, error)
    }
    // What packs may be code of the user's that has closed the cache.
    if (flight.isSettled) return
    try {
      this.#store.complete(flight, value, encoded?.bytes, keeps ? encoded?.weight : undefined, ttl)
    } catch (error) {
      // There is no memory for it.
      return this.#onFailed(flight, error)
    }
    this.#finished(flight)
    flight.resolve(flight.isAbsent ? undefined : value)
    this.#store.drainExcessEvictions()
  }

  /**
   * @param {Flight} flight
   * @param {unknown} error
   */
  #onFailed(flight, error) {
    if (flight.isSettled) return
    this.#finished(flight)
    const { isCurrent, stale } = this.#reportFailure(flight, error)
    if (this.#keepsErrors && isCurrent) this.#keepError(flight.id, error)
    if (stale !== undefined) flight.resolve(stale.value)
    else flight.reject(error)
  }

  /** @param {Flight} flight @param {unknown} error */
  #reportFailure(flight, error) {
    if (this.#name === undefined) return this.#store.fail(flight, undefined)
    try {
      return this.#store.fail(flight, encodeError(error))
    } catch {
      // There is no memory for it. Those who wait elsewhere hear that nothing comes.
      return this.#store.fail(flight, undefined)
    }
  }

  /** Nobody here waits for it any more. @param {Flight} flight */
  #onAbandoned(flight) {
    const isOver = this.#store.leave(flight.flightId, flight.isLoading)
    if (flight.isLoading && !isOver) return
    this.#finished(flight)
    if (flight.isRemote) this.#countRemote(-1)
    flight.stop(abandonedError())
  }

  /** @param {Flight} flight that loads elsewhere @param {unknown} error */
  #onTimeout(flight, error) {
    this.#store.giveUp(flight.flightId)
    this.#finished(flight)
    this.#countRemote(-1)
    flight.reject(error)
  }

  /** Counts flights that load elsewhere: the process stays alive for them. @param {1 | -1} by */
  #countRemote(by) {
    if (this.#remoteFlights === 0) {
      completionPort.ref()
      coordinatorsAwaiting.add(this)
    }
    this.#remoteFlights += by
    if (this.#remoteFlights > 0) return
    completionPort.unref()
    coordinatorsAwaiting.delete(this)
  }

  /** Forgets a flight that is settled. @param {Flight} flight */
  #finished(flight) {
    this.#flights.delete(flight.flightId)
    if (this.#joinable.get(flight.id) === flight) this.#joinable.delete(flight.id)
  }

  /**
   * The last load of the id failed: throws its error. Loads, should it not be known any more.
   * @param {Id} id
   * @param {Buffer | null} bytes the error of a named cache
   * @param {Loader} load
   */
  #failOrReload(id, bytes, load) {
    if (bytes !== null) throw decodeError(bytes)
    if (this.#errors.has(id)) throw this.#errors.get(id)
    return this.#store.refresh(id, this, load)
  }

  /** @param {Id} id @param {unknown} error */
  #keepError(id, error) {
    this.#errors.delete(id)
    this.#errors.set(id, error)
    if (this.#errors.size > MAX_FAILURES) this.#errors.delete(/** @type {Id} */ (this.#errors.keys().next().value))
  }
}

function abandonedError() {
  return new DOMException('Nobody waits for this load any more', 'AbortError')
}

/** @param {Id} id @param {string} what to do */
function noLoaderError(id, what) {
  const message = `There is no loader for ${inspect(id)}: ${what}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

module.exports = { LoadCoordinator }
