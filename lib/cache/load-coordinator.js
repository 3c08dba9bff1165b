'use strict'

const { withCode } = require('../internal/errors')
const { MailKind } = require('../native')
const { completionPort } = require('../native/completion-port')
const { decodeError } = require('../internal/error-codec')
const { ABSENT, Flight } = require('./flight')
const { formatId } = require('./format-id')
const { NativeStore } = require('./native-store')
const { invalidType } = require('../internal/validate')
const { checkNumber } = require('./options')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../../index').CacheLoader<any, any>} Loader
 * @typedef {import('./heap-store').HeapStore | import('./native-store').NativeStore} Store
 * @typedef {import('./flight').Settings} Settings
 * @typedef {import('./flight').FlightOwner} FlightOwner
 * @typedef {{ flight: Flight, previous: unknown }} PendingLoad a flight that the caller must load
 * @typedef {import('./flight').Answer} Answer
 */

/** Coordinators that wait for flights of other threads; the set keeps them in memory. @type {Set<LoadCoordinator>} */
const coordinatorsAwaiting = new Set()

/** The flights of a cache that load in this environment, or for which its callers wait. */
class LoadCoordinator {
  #store
  #name
  /** By flight id. @type {Map<number, Flight>} */
  #flights = new Map()
  /** Number of flights that load in other threads. */
  #remoteFlights = 0
  /** @type {import('./flight').FlightObserver} */
  #observer

  /**
   * @param {Store} store
   * @param {ReturnType<typeof import('./options').readOptions>} options
   */
  constructor(store, options) {
    this.#store = store
    if (store instanceof NativeStore)
      store.onMessage = (kind, flightId, bytes) => this.#onMessage(kind, flightId, bytes)
    this.#name = options.name
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
   * @param {(id: Id) => Error} [missing] returns the error of an id that is not held, if there is no loader
   * @returns {Answer}
   */
  find(id, load, missing = noLoaderError) {
    if (load === undefined) {
      const entry = this.#store.find(id)
      if (entry === undefined) throw missing(id)
      return { entry, flight: undefined, leads: false, previous: undefined }
    }
    return this.#store.lookUp(id, this, load)
  }

  /**
   * Returns the flight that reloads an id.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {Answer & { flight: Flight }}
   */
  refresh(id, load) {
    if (load === undefined) throw noLoaderError(id)
    return this.#store.refresh(id, this, load)
  }

  /**
   * Rejects all flights.
   * @param {Iterable<Flight>} others flights that have no id
   * @param {unknown} reason
   */
  close(others, reason) {
    const flights = [...others, ...this.#flights.values()]
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

  /** The store of a cache that other threads share. */
  get #nativeStore() {
    return /** @type {NativeStore} */ (this.#store)
  }

  /** @type {(flight: Flight, bytes: Buffer) => void} */
  #resolveEncoded(flight, bytes) {
    try {
      flight.resolve(this.#nativeStore.decode(flight.id, bytes))
    } catch (error) {
      flight.reject(error)
    }
  }

  /**
   * Returns a new flight without an id, whose loads only this environment sees.
   * @type {FlightOwner['begin']}
   */
  begin(id, role) {
    return new Flight(id, 0, role, this.#observer)
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
    const flight = known ?? new Flight(id, flightId, role, this.#observer, leads ? undefined : load)
    if (!leads) this.#checkNotInside(flight)
    if (known !== undefined) return known
    this.#flights.set(flightId, flight)
    if (!leads) {
      flight.startTimer()
      this.#countRemote(1)
    }
    return flight
  }

  /** Leaves a flight that a call has found, but does not wait for. @param {Flight} flight */
  leave(flight) {
    if (!flight.isAwaited && !flight.isBackground && flight.isRemote) this.#onAbandoned(flight)
  }

  /** Gives up a flight before it loads here. @type {(flight: Flight, error: unknown) => void} */
  abandon(flight, error) {
    if (flight.isSettled) return
    this.#remove(flight)
    this.#store.leave(flight, false)
    flight.reject(error)
  }

  /** Throws if the flight's own loader would join it, and leaves the flight, which the store has joined. @param {Flight} flight */
  #checkNotInside(flight) {
    try {
      flight.checkNotInside()
    } catch (error) {
      if (!flight.isAwaited && !flight.isBackground) this.#store.leave(flight, flight.isLoading)
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
    let settings
    let encoded
    try {
      settings = checkedSettings(context)
      // Waiters in other threads receive the bytes even if they are not kept.
      const isShared = this.#name !== undefined && flight.flightId !== 0
      if (!isAbsent && (settings.store || isShared)) {
        encoded = this.#store.encode(flight.id, value, flight.encoded)
      }
    } catch (error) {
      return this.#onFailed(flight, error)
    }
    // The codec is user code and may have closed the cache.
    if (flight.isSettled) return
    try {
      const weight = settings.store ? encoded?.weight : undefined
      this.#store.complete(flight, value, encoded?.bytes, weight, settings.ttl, flight.refresh)
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
    const stale = this.#store.fail(flight, error)
    if (stale !== undefined) flight.resolve(stale.value)
    else flight.reject(error)
  }

  /** Leaves a flight for which no caller waits here any more. @param {Flight} flight */
  #onAbandoned(flight) {
    const mayStop = this.#store.leave(flight, flight.isLoading)
    if (flight.isLoading && !mayStop) return
    this.#remove(flight)
    if (flight.isRemote) this.#countRemote(-1)
    flight.stop(abandonedError())
  }

  /** Gives up waiting for a load in another thread. @type {(flight: Flight, error: unknown) => void} */
  #onTimeout(flight, error) {
    this.#nativeStore.giveUp(flight)
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
    if (flight.flightId !== 0) this.#flights.delete(flight.flightId)
  }
}

/**
 * Returns the settings of a load, each of which is read once: the loader may have replaced it with a getter.
 * @param {Settings} context
 */
function checkedSettings({ store, ttl }) {
  checkNumber('context.ttl', ttl)
  if (typeof store !== 'boolean') throw invalidType('"context.store"', 'of type boolean', store)
  return { store, ttl }
}

function abandonedError() {
  return new DOMException('No caller waits for this load any more', 'AbortError')
}

/** @param {Id} id */
function noLoaderError(id) {
  const message = `There is no loader for ${formatId(id)}: pass one to the cache as options.load, or to this call`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

module.exports = { LoadCoordinator, checkedSettings, noLoaderError }
