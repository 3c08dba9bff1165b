'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../internal/errors')
const { MailKind } = require('../native')
const { completionPort } = require('../native/completion-port')
const { decodeError, encodeError } = require('../internal/error-codec')
const { ABSENT, Flight } = require('./flight')
const { invalidType } = require('../internal/validate')
const { checkNumber } = require('./options')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../../index').CacheLoader<any, any>} Loader
 * @typedef {import('./store').Store} Store
 * @typedef {import('./flight').Settings} Settings
 * @typedef {import('./near-cache').NearEntry} NearEntry
 * @typedef {{ flight: Flight, previous: unknown }} PendingLoad a flight that the caller must load
 * @typedef {{ value: any, backgroundRefresh?: PendingLoad } | { flight: Flight, leads: boolean, previous: unknown }} LookupResult
 *   A caller that `leads` must load, and one that gets a `backgroundRefresh` must start it
 */

/** Maximum number of ids whose error is kept. src/cache/failure.rs has the same bound, and applies `errorTtl`. */
const MAX_FAILURES = 1024

/** Coordinators that wait for flights of other threads; the set keeps them in memory. @type {Set<LoadCoordinator>} */
const coordinatorsAwaiting = new Set()

/** The flights of a cache that load in this environment, or for which its callers wait. */
class LoadCoordinator {
  #store
  #name
  #keepsErrors
  /** By flight id. @type {Map<number, Flight>} */
  #flights = new Map()
  /** Number of flights that load in other threads. */
  #remoteFlights = 0
  /** Flights that a `get` joins without native code, by id. Empty for a named cache. @type {Map<Id, Flight>} */
  #joinable = new Map()
  /** Number of callers that joined a flight without native code. */
  coalesced = 0
  /** Errors of the latest failed ids. Empty for a named cache, whose errors native code keeps. @type {Map<Id, unknown>} */
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
      loadTimeout: store.loadTimeout,
      onLoaded: (flight, value, context) => this.#onLoaded(flight, value, context),
      onFailed: (flight, error) => this.#onFailed(flight, error),
      onAbandoned: flight => this.#onAbandoned(flight),
      onTimeout: (flight, error) => this.#onTimeout(flight, error)
    }
  }

  /**
   * Returns a value to serve now, or the flight to wait for.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {LookupResult}
   */
  find(id, load) {
    if (load === undefined) {
      const entry = this.#store.find(id)
      if (entry === undefined) throw noLoaderError(id)
      return entry
    }
    const current = this.#joinable.get(id)
    if (current !== undefined) {
      current.checkNotInside()
      this.coalesced++
      return { flight: current, leads: false, previous: undefined }
    }
    const { entry, flight, leads, previous, failing } = this.#store.lookUp(id, this, load)
    if (failing !== undefined) return this.#failOrReload(id, failing.bytes, load)
    if (flight === undefined) return /** @type {NearEntry} */ (entry)
    return entry === undefined
      ? { flight, leads, previous }
      : { value: entry.value, backgroundRefresh: { flight, previous } }
  }

  /**
   * Returns the flight that reloads an id.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {{ flight: Flight, leads: boolean, previous: unknown }}
   */
  refresh(id, load) {
    if (load === undefined) throw noLoaderError(id)
    return this.#store.refresh(id, this, load)
  }

  /** Makes the next caller of an id start another load. @param {Id} id */
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
    else if (kind === MailKind.Absent) flight.resolveAbsent()
    else flight.stop(abandonedError())
  }

  /** @type {(flight: Flight, bytes: Buffer) => void} */
  #resolveEncoded(flight, bytes) {
    try {
      flight.resolve(this.#store.decode(flight.id, bytes))
    } catch (error) {
      flight.reject(error)
    }
  }

  /**
   * Returns a flight by its id, and creates it if this environment does not know it.
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

  /** Gives up a flight before it loads here. @type {(flight: Flight, error: unknown) => void} */
  abandon(flight, error) {
    if (flight.isSettled) return
    this.#remove(flight)
    this.#store.leave(flight.flightId, false)
    flight.reject(error)
  }

  /** Throws if the flight's own loader would join it, and leaves the flight, which native code has joined. @param {Flight} flight */
  #checkNotInside(flight) {
    try {
      flight.checkNotInside()
    } catch (error) {
      if (!flight.isAwaited && !flight.isBackground) this.#store.leave(flight.flightId, flight.isLoading)
      throw error
    }
  }

  /**
   * Ends a load that returned a value.
   * @param {Flight} flight
   * @param {any} value
   * @param {Settings} context
   */
  #onLoaded(flight, value, context) {
    if (flight.isSettled) return
    const isAbsent = value === ABSENT
    let keeps = false
    let ttl
    let encoded
    try {
      // Read each property once: the loader may have replaced it with a getter.
      const { store } = context
      ttl = context.ttl
      checkNumber('context.ttl', ttl)
      if (typeof store !== 'boolean') throw invalidType('"context.store"', 'of type boolean', store)
      keeps = store && !isAbsent
      // Waiters in other threads receive the bytes even if they are not kept.
      if (keeps || (this.#name !== undefined && !isAbsent)) encoded = this.#store.encode(flight.id, value)
    } catch (error) {
      return this.#onFailed(flight, error)
    }
    // The codec is user code and may have closed the cache.
    if (flight.isSettled) return
    try {
      this.#store.complete(flight, value, encoded?.bytes, keeps ? encoded?.weight : undefined, ttl)
    } catch (error) {
      // Out of memory.
      return this.#onFailed(flight, error)
    }
    this.#remove(flight)
    if (isAbsent) flight.resolveAbsent()
    else flight.resolve(value)
    this.#store.drainExcessEvictions()
  }

  /** Ends a load that failed. @type {(flight: Flight, error: unknown) => void} */
  #onFailed(flight, error) {
    if (flight.isSettled) return
    this.#remove(flight)
    const { isCurrent, stale } = this.#reportFailure(flight, error)
    if (this.#keepsErrors && isCurrent) this.#keepError(flight.id, error)
    if (stale !== undefined) flight.resolve(stale.value)
    else flight.reject(error)
  }

  /** @type {(flight: Flight, error: unknown) => ReturnType<Store['fail']>} */
  #reportFailure(flight, error) {
    if (this.#name === undefined) return this.#store.fail(flight, undefined)
    try {
      return this.#store.fail(flight, encodeError(error))
    } catch {
      // Out of memory: waiters in other threads are rejected without the error.
      return this.#store.fail(flight, undefined)
    }
  }

  /** Leaves a flight for which no caller waits here any more. @param {Flight} flight */
  #onAbandoned(flight) {
    const mayStop = this.#store.leave(flight.flightId, flight.isLoading)
    if (flight.isLoading && !mayStop) return
    this.#remove(flight)
    if (flight.isRemote) this.#countRemote(-1)
    flight.stop(abandonedError())
  }

  /** Gives up waiting for a load in another thread. @type {(flight: Flight, error: unknown) => void} */
  #onTimeout(flight, error) {
    this.#store.giveUp(flight.flightId)
    this.#remove(flight)
    this.#countRemote(-1)
    flight.reject(error)
  }

  /** Counts flights that load in other threads: they keep the process alive. @param {1 | -1} by */
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

  /** @param {Flight} flight */
  #remove(flight) {
    this.#flights.delete(flight.flightId)
    if (this.#joinable.get(flight.id) === flight) this.#joinable.delete(flight.id)
  }

  /**
   * Throws the error of the last load, or loads again if the error is no longer kept.
   * @param {Id} id
   * @param {Buffer | null} bytes encoded error of a named cache
   * @param {Loader} load
   */
  #failOrReload(id, bytes, load) {
    if (bytes !== null) throw decodeError(bytes)
    if (this.#errors.has(id)) throw this.#errors.get(id)
    return this.#store.refresh(id, this, load)
  }

  /** @type {(id: Id, error: unknown) => void} */
  #keepError(id, error) {
    this.#errors.delete(id)
    this.#errors.set(id, error)
    if (this.#errors.size > MAX_FAILURES) this.#errors.delete(/** @type {Id} */ (this.#errors.keys().next().value))
  }
}

function abandonedError() {
  return new DOMException('No caller waits for this load any more', 'AbortError')
}

/** @param {Id} id */
function noLoaderError(id) {
  const message = `There is no loader for ${inspect(id)}: pass one to the cache as options.load, or to this call`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

module.exports = { LoadCoordinator }
