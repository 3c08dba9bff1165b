'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../internal/errors')
const { completionPort } = require('../native/completion-port')
const { decodeError, encodeError } = require('../internal/error-codec')
const { ABSENT, Flight } = require('./flight')
const { invalidType } = require('../internal/validate')
const { checkTime } = require('./options')

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('../../index').Loader<any, any>} Loader
 * @typedef {import('./store').Store} Store
 * @typedef {import('./flight').Context} Context
 * @typedef {{ flight: Flight, previous: unknown }} Led a flight that whoever has it must load
 * @typedef {{ value: any, behind?: Led } | { flight: Flight, leads: boolean, previous: unknown }} Found `behind` the caller's
 *   back it is to be loaded anew
 */

// Kinds of mail (src/node/output.rs).
const MAIL_VALUE = 0
const MAIL_ERROR = 1
const MAIL_LEAD = 2
const MAIL_ABSENT = 4

/** Errors that are kept at most for ids that failed (`errorTtl`); src/cache/failure.rs says when they are given. */
const MAX_FAILURES = 1024

/**
 * Caches with flights that load elsewhere: somebody waits for them, whoever else holds them.
 * @type {Set<Loads>}
 */
const busy = new Set()

/** The flights of a cache, as this environment takes part in them. */
class Loads {
  #store
  #name
  #keepsErrors
  /** By token. @type {Map<number, Flight>} */
  #flights = new Map()
  /** Flights that load elsewhere. */
  #awaited = 0
  /**
   * Flights that a `get` joins, by id. Only where no other thread can end them.
   * @type {Map<Id, Flight>}
   */
  #current = new Map()
  /** Those who joined them. */
  #coalesced = 0
  /**
   * Errors of ids that failed, unless native code has them, as of named caches. At most MAX_FAILURES.
   * @type {Map<Id, unknown>}
   */
  #errors = new Map()
  /** @type {import('./flight').Tower} */
  #tower

  /**
   * @param {Store} store
   * @param {ReturnType<typeof import('./options').readOptions>} options
   */
  constructor(store, options) {
    this.#store = store
    store.onMessage = (kind, token, bytes) => this.#hear(kind, token, bytes)
    this.#name = options.name
    this.#keepsErrors = options.name === undefined && (options.native.errorTtl ?? 0) > 0
    this.#tower = {
      name: options.name,
      loadTimeout: options.loadTimeout,
      loaded: (flight, value, context) => this.#loaded(flight, value, context),
      failed: (flight, error) => this.#failed(flight, error),
      left: flight => this.#left(flight),
      late: (flight, error) => this.#late(flight, error)
    }
  }

  /**
   * A value to be served now, or the flight that brings it: whoever leads must load.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {Found}
   */
  find(id, load) {
    if (load === undefined) {
      const held = this.#store.find(id)
      if (held === undefined) throw noLoader(id, 'pass one to the cache as options.load, or to this call')
      return held
    }
    const current = this.#current.get(id)
    if (current !== undefined) {
      current.checkNotInside()
      this.#coalesced++
      return { flight: current, leads: false, previous: undefined }
    }
    const { copy, flight, leads, previous, failing } = this.#store.ask(id, this, load)
    if (failing !== undefined) return this.#fail(id, failing.bytes, load)
    if (flight === undefined) return /** @type {import('./near-cache').Copy<any>} */ (copy)
    return copy === undefined ? { flight, leads, previous } : { value: copy.value, behind: { flight, previous } }
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
    if (load === undefined) throw noLoader(id, 'pass one to the cache as options.load')
    const { flight, leads, previous } = this.#store.askAnew(id, this, load)
    const promise = flight.join(undefined)
    if (leads) flight.load(load, previous)
    return promise
  }

  /** Whoever asks for this id from now on starts anew. @param {Id} id */
  forget(id) {
    if (this.#current.size > 0) this.#current.delete(id)
    if (this.#errors.size > 0) this.#errors.delete(id)
  }

  forgetAll() {
    this.#current.clear()
    this.#errors.clear()
  }

  /** Whoever waits is told why nothing comes. @param {unknown} reason */
  close(reason) {
    this.forgetAll()
    const flights = [...this.#flights.values()]
    this.#flights.clear()
    for (const flight of flights) {
      if (flight.isElsewhere) this.#await(-1)
      flight.stop(reason)
    }
  }

  /**
   * Another thread has news of a flight.
   * @param {number} kind
   * @param {number} token
   * @param {Buffer | undefined} bytes
   */
  #hear(kind, token, bytes) {
    const flight = this.#flights.get(token)
    if (flight === undefined) return
    if (flight.isElsewhere) this.#await(-1)
    if (kind === MAIL_LEAD) return flight.takeOver()
    this.#flights.delete(token)
    if (kind === MAIL_VALUE) this.#bring(flight, /** @type {Buffer} */ (bytes))
    else if (kind === MAIL_ERROR) flight.reject(decodeError(/** @type {Buffer} */ (bytes)))
    else if (kind === MAIL_ABSENT) this.#bringNothing(flight)
    else flight.stop(abandoned())
  }

  /** @param {Flight} flight @param {Buffer} bytes */
  #bring(flight, bytes) {
    try {
      flight.resolve(this.#store.unpack(flight.id, bytes))
    } catch (error) {
      flight.reject(error)
    }
  }

  /** @param {Flight} flight */
  #bringNothing(flight) {
    flight.isAbsent = true
    flight.resolve(undefined)
  }

  /**
   * This environment's part in a flight.
   * @param {Id} id
   * @param {number} token
   * @param {boolean} leads
   * @param {Loader} load
   * @param {import('./flight').Role} role
   */
  board(id, token, leads, load, role) {
    const known = leads ? undefined : this.#flights.get(token)
    const flight = known ?? new Flight(id, token, this.#tower, leads ? undefined : load)
    if (!leads) this.#checkNotInside(flight)
    if (known !== undefined) return known
    this.#flights.set(token, flight)
    flight.isBackground = role === 'behind'
    if (leads && role === 'found' && this.#name === undefined) this.#current.set(id, flight)
    if (!leads) {
      flight.startTimer()
      this.#await(1)
    }
    return flight
  }

  /**
   * Gives up a flight that was to be led from here, before it loads.
   * @param {Flight} flight
   * @param {unknown} error
   */
  unboard(flight, error) {
    if (flight.isOver) return
    this.#landed(flight)
    this.#store.leave(flight.token, false)
    flight.reject(error)
  }

  /** Native code has counted whoever asks among those who wait. @param {Flight} flight */
  #checkNotInside(flight) {
    try {
      flight.checkNotInside()
    } catch (error) {
      if (!flight.isAwaited && !flight.isBackground) this.#store.leave(flight.token, flight.isLoading)
      throw error
    }
  }

  /**
   * A load has come back here.
   * @param {Flight} flight
   * @param {any} value
   * @param {Context} context
   */
  #loaded(flight, value, context) {
    if (flight.isOver) return
    flight.isAbsent = value === ABSENT
    let keeps = false
    let ttl
    let packed
    try {
      // Each is read once: a loader may have replaced them with getters.
      const { store } = context
      ttl = context.ttl
      checkTime('"context.ttl"', ttl)
      if (typeof store !== 'boolean') throw invalidType('"context.store"', 'of type boolean', store)
      keeps = store && !flight.isAbsent
      // Those who wait in other threads want the bytes even if they are not to be kept.
      if (keeps || (this.#name !== undefined && !flight.isAbsent)) packed = this.#store.pack(flight.id, value)
    } catch (error) {
      return this.#failed(flight, error)
    }
    // What packs may be code of the user's that has closed the cache.
    if (flight.isOver) return
    try {
      this.#store.arrive(flight, value, packed?.bytes, keeps ? packed?.weight : undefined, ttl)
    } catch (error) {
      // There is no memory for it.
      return this.#failed(flight, error)
    }
    this.#landed(flight)
    flight.resolve(flight.isAbsent ? undefined : value)
    this.#store.relieve()
  }

  /**
   * @param {Flight} flight
   * @param {unknown} error
   */
  #failed(flight, error) {
    if (flight.isOver) return
    this.#landed(flight)
    const { isCurrent, stale } = this.#tellFailure(flight, error)
    if (this.#keepsErrors && isCurrent) this.#keepError(flight.id, error)
    if (stale !== undefined) flight.resolve(stale.value)
    else flight.reject(error)
  }

  /** @param {Flight} flight @param {unknown} error */
  #tellFailure(flight, error) {
    if (this.#name === undefined) return this.#store.fail(flight, undefined)
    try {
      return this.#store.fail(flight, encodeError(error))
    } catch {
      // There is no memory for it. Those who wait elsewhere hear that nothing comes.
      return this.#store.fail(flight, undefined)
    }
  }

  /** Nobody here waits for it any more. @param {Flight} flight */
  #left(flight) {
    const isOver = this.#store.leave(flight.token, flight.isLoading)
    if (flight.isLoading && !isOver) return
    this.#landed(flight)
    if (flight.isElsewhere) this.#await(-1)
    flight.stop(abandoned())
  }

  /** @param {Flight} flight that loads elsewhere @param {unknown} error */
  #late(flight, error) {
    this.#store.giveUp(flight.token)
    this.#landed(flight)
    this.#await(-1)
    flight.reject(error)
  }

  /** Counts flights that load elsewhere: the process stays alive for them. @param {1 | -1} by */
  #await(by) {
    if (this.#awaited === 0) {
      completionPort.ref()
      busy.add(this)
    }
    this.#awaited += by
    if (this.#awaited > 0) return
    completionPort.unref()
    busy.delete(this)
  }

  /** A flight is over. @param {Flight} flight */
  #landed(flight) {
    this.#flights.delete(flight.token)
    if (this.#current.get(flight.id) === flight) this.#current.delete(flight.id)
  }

  /**
   * The last load of the id failed: throws its error. Loads, should it not be known any more.
   * @param {Id} id
   * @param {Buffer | null} bytes the error of a named cache
   * @param {Loader} load
   */
  #fail(id, bytes, load) {
    if (bytes !== null) throw decodeError(bytes)
    if (this.#errors.has(id)) throw this.#errors.get(id)
    return this.#store.askAnew(id, this, load)
  }

  /** @param {Id} id @param {unknown} error */
  #keepError(id, error) {
    this.#errors.delete(id)
    this.#errors.set(id, error)
    if (this.#errors.size > MAX_FAILURES) this.#errors.delete(/** @type {Id} */ (this.#errors.keys().next().value))
  }
}

function abandoned() {
  return new DOMException('Nobody waits for this load any more', 'AbortError')
}

/** @param {Id} id @param {string} what to do */
function noLoader(id, what) {
  const message = `There is no loader for ${inspect(id)}: ${what}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

module.exports = { Loads }
