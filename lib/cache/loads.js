'use strict'

const { inspect } = require('node:util')
const { OffloopError, withCode } = require('../errors')
const { port } = require('../port')
const { clock } = require('./clock')
const { decodeError, encodeError } = require('./error-bytes')
const { Flight } = require('./flight')
const { checkTime } = require('./options')

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('../../index').Loader<any, any>} Loader
 * @typedef {import('./store').Store} Store
 * @typedef {import('./flight').Context} Context
 * @typedef {{ value: any } | { flight: Flight, leads: boolean, previous: unknown }} Found
 */

// Kinds of mail (src/node/output.rs).
const MAIL_VALUE = 0
const MAIL_ERROR = 1
const MAIL_LEAD = 2

/** Failed ids that are remembered at most (`errorTtl`). */
const MAX_FAILURES = 1024

/**
 * Caches with flights that load elsewhere: somebody waits for them, whoever else holds them.
 * @type {Set<Loads>}
 */
const busy = new Set()

/** The flights of a cache, as this environment takes part in them. */
class Loads {
  #store
  #isNamed
  #errorTtl
  /** By token. @type {Map<number, Flight>} */
  #flights = new Map()
  /** Flights that load elsewhere. */
  #awaited = 0
  /** At most MAX_FAILURES. @type {Map<Id, { until: number, error: unknown, stale: { value: unknown } | undefined }>} */
  #failures = new Map()
  /** @type {import('./flight').Tower} */
  #tower

  /**
   * @param {Store} store
   * @param {ReturnType<typeof import('./options').readOptions>} options
   */
  constructor(store, options) {
    this.#store = store
    store.onMail = (kind, token, bytes) => this.#hear(kind, token, bytes)
    this.#isNamed = options.name !== undefined
    this.#errorTtl = options.errorTtl
    this.#tower = {
      loadTimeout: options.loadTimeout,
      loaded: (flight, value, context) => this.#loaded(flight, value, context),
      failed: (flight, error) => this.#failed(flight, error),
      left: flight => this.#left(flight)
    }
  }

  /**
   * A value to be served now, or the flight that brings it: whoever leads must load.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {Found}
   */
  find(id, load) {
    const failure = this.#failures.size > 0 ? this.#failure(id) : undefined
    if (failure?.stale !== undefined) return failure.stale
    if (failure !== undefined) throw failure.error
    if (load === undefined) {
      const held = this.#store.peek(id)
      if (held === undefined) throw noLoader(id)
      return held
    }
    const { copy, token, leads, previous } = this.#store.ask(id)
    if (copy === undefined) return { flight: this.#board(id, token, leads, load), leads, previous }
    if (leads) {
      const flight = this.#board(id, token, true, load)
      flight.isBackground = true
      flight.load(context => load(id, context), previous)
    }
    return copy
  }

  /**
   * The value of a load that begins now, or is under way.
   * @param {Id} id
   * @param {Loader | undefined} load
   * @returns {Promise<any>}
   */
  refresh(id, load) {
    if (load === undefined) throw noLoader(id)
    const { token, leads, previous } = this.#store.askAnew(id)
    const flight = this.#board(id, token, leads, load)
    const promise = flight.join(undefined)
    if (leads) flight.load(context => load(id, context), previous)
    return promise
  }

  /** Errors of this id are forgotten. @param {Id} id */
  forget(id) {
    if (this.#failures.size > 0) this.#failures.delete(id)
  }

  forgetAll() {
    this.#failures.clear()
  }

  /** Whoever waits is told why nothing comes. @param {unknown} reason */
  close(reason) {
    this.#failures.clear()
    const flights = [...this.#flights.values()]
    this.#flights.clear()
    for (const flight of flights) {
      if (!flight.isLoading) this.#await(-1)
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
    if (!flight.isLoading) this.#await(-1)
    if (kind === MAIL_LEAD) return flight.takeOver()
    this.#flights.delete(token)
    if (kind === MAIL_VALUE) this.#bring(flight, /** @type {Buffer} */ (bytes))
    else if (kind === MAIL_ERROR) {
      const error = decodeError(/** @type {Buffer} */ (bytes))
      this.#rememberFailure(flight.id, error, undefined)
      flight.reject(error)
    } else flight.stop(abandoned())
  }

  /** @param {Flight} flight @param {Buffer} bytes */
  #bring(flight, bytes) {
    try {
      flight.resolve(this.#store.unpack(flight.id, bytes))
    } catch (error) {
      flight.reject(error)
    }
  }

  /**
   * This environment's part in a flight.
   * @param {Id} id
   * @param {number} token
   * @param {boolean} leads
   * @param {Loader} load
   */
  #board(id, token, leads, load) {
    const known = this.#flights.get(token)
    if (known !== undefined) {
      known.checkNotInside()
      return known
    }
    const flight = new Flight(id, token, this.#tower, leads ? undefined : context => load(id, context))
    this.#flights.set(token, flight)
    if (!leads) this.#await(1)
    return flight
  }

  /**
   * A load has come back here.
   * @param {Flight} flight
   * @param {any} value
   * @param {Context} context
   */
  #loaded(flight, value, context) {
    if (flight.isOver) return
    const keeps = context.store !== false
    let packed
    try {
      checkTime('"context.ttl"', context.ttl)
      // Those who wait in other threads want the bytes even if they are not to be kept.
      if (keeps || this.#isNamed) packed = this.#store.pack(flight.id, value)
    } catch (error) {
      return this.#failed(flight, error)
    }
    try {
      this.#store.arrive(flight, value, packed?.bytes, keeps ? packed?.weight : undefined, context.ttl)
    } catch (error) {
      // There is no memory for it.
      return this.#failed(flight, error)
    }
    this.#flights.delete(flight.token)
    this.forget(flight.id)
    flight.resolve(value)
  }

  /**
   * @param {Flight} flight
   * @param {unknown} error
   */
  #failed(flight, error) {
    if (flight.isOver) return
    this.#flights.delete(flight.token)
    const stale = this.#store.fail(flight, this.#isNamed ? encodeError(error) : undefined)
    this.#rememberFailure(flight.id, error, stale)
    if (stale !== undefined) flight.resolve(stale.value)
    else flight.reject(error)
  }

  /** Nobody here waits for it any more. @param {Flight} flight */
  #left(flight) {
    const isOver = this.#store.leave(flight.token)
    if (flight.isLoading && !isOver) return
    this.#flights.delete(flight.token)
    if (!flight.isLoading) this.#await(-1)
    flight.stop(abandoned())
  }

  /** Counts flights that load elsewhere: the process stays alive for them. @param {1 | -1} by */
  #await(by) {
    if (this.#awaited === 0) {
      port.hold()
      busy.add(this)
    }
    this.#awaited += by
    if (this.#awaited > 0) return
    port.unhold()
    busy.delete(this)
  }

  /** @param {Id} id */
  #failure(id) {
    const failure = this.#failures.get(id)
    if (failure === undefined) return undefined
    // Another thread may have stored a value since.
    if (clock.now() < failure.until && !this.#store.has(id)) return failure
    this.#failures.delete(id)
    return undefined
  }

  /**
   * @param {Id} id
   * @param {unknown} error
   * @param {{ value: unknown } | undefined} stale
   */
  #rememberFailure(id, error, stale) {
    if (this.#errorTtl === 0) return
    this.#failures.delete(id)
    this.#failures.set(id, { until: clock.now() + this.#errorTtl, error, stale })
    if (this.#failures.size > MAX_FAILURES)
      this.#failures.delete(/** @type {Id} */ (this.#failures.keys().next().value))
  }
}

function abandoned() {
  return new DOMException('Nobody waits for this load any more', 'AbortError')
}

function closedError() {
  return new OffloopError('ERR_OFFLOOP_CLOSED', 'The cache is closed')
}

/** @param {Id} id */
function noLoader(id) {
  const message = `There is no loader for ${inspect(id)}: pass one to the cache as options.load, or to this call`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

module.exports = { Loads, closedError }
