'use strict'

const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks')
const { unwatch, watch } = require('../internal/abort')
const { inspect } = require('node:util')
const { OffloopError } = require('../internal/errors')
const { clearTimeout, setImmediate, setTimeout } = require('../internal/clock')
const { loads, traceCall } = require('../internal/diagnostics')
const { invalidThis } = require('../internal/validate')
const { clock } = require('./clock')

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('../../index').LoadContext<any>} LoadContext
 * @typedef {(id: Id, context: LoadContext) => any} Loader
 *
 * Observes the outcome of flights.
 * @typedef {object} FlightObserver
 * @property {(flight: Flight, value: unknown, context: LoaderContext) => void} onLoaded
 * @property {(flight: Flight, error: unknown) => void} onFailed
 * @property {(flight: Flight) => void} onAbandoned nobody here waits any more
 * @property {(flight: Flight, error: unknown) => void} onTimeout it loads elsewhere, and takes too long
 * @property {number | undefined} loadTimeout
 * @property {string | undefined} name of the cache, if others share it
 *
 * The owner of the flights in native code's answers.
 * @typedef {object} FlightOwner
 * @property {(id: Id, flightId: number, leads: boolean, load: Loader, role: Role) => Flight} join joins a flight
 * @property {(flight: Flight, error: unknown) => void} abandon gives up a flight that this environment was to lead
 * @typedef {'lookup' | 'background' | 'refresh'} Role a flight is found by its id, loads while a value is served, or is a refresh
 */

/**
 * The flights of which the running code is a part, from the inside out.
 * @type {AsyncLocalStorage<{ flight: Flight, outer: any }>}
 */
const flightContext = new AsyncLocalStorage()

/** The functions of the promise that was made last: a closure for each would be one more thing to collect. */
const deferred = { resolve: (/** @type {unknown} */ _) => {}, reject: (/** @type {unknown} */ _) => {} }
/**
 * @param {(value: any) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function captureResolvers(resolve, reject) {
  deferred.resolve = resolve
  deferred.reject = reject
}

/** Loads in flight in this environment. */
let loadsInFlight = 0
let isDisableScheduled = false

/**
 * A load has ended. Without any, nothing is inside: up to Node 22 the storage slows every promise of the process down, and
 * is switched off until the next load.
 */
function loadEnded() {
  loadsInFlight--
  if (loadsInFlight > 0 || isDisableScheduled) return
  isDisableScheduled = true
  setImmediate(() => {
    isDisableScheduled = false
    if (loadsInFlight === 0) flightContext.disable()
  })
}

/** What a loader of ours says of an id of which there is nothing. */
const ABSENT = Symbol('absent')

/** What a loader is told, and may say. Its signal is made when somebody asks for it: most loaders do not. */
class LoaderContext {
  /** @type {AbortController | undefined} */
  #controller
  /** @type {{ reason: unknown } | undefined} */
  #aborted
  /** @type {number | undefined} */
  ttl = undefined
  store = true
  #onAbort

  /**
   * @param {unknown} previous
   * @param {(reason: unknown) => void} [onAbort]
   */
  constructor(previous, onAbort) {
    this.previous = previous
    this.#onAbort = onAbort
  }

  get signal() {
    if (!(#controller in this)) throw invalidThis('LoadContext', this)
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#aborted !== undefined) return
    this.#aborted = { reason }
    this.#controller?.abort(reason)
    this.#onAbort?.(reason)
  }
}

/** A caller with a signal that waits for a flight. */
class FlightWaiter {
  /**
   * @param {Flight} flight
   * @param {AbortSignal} signal
   * @param {(value: any) => void} resolve
   * @param {(reason: unknown) => void} reject
   */
  constructor(flight, signal, resolve, reject) {
    this.flight = flight
    this.signal = signal
    this.resolve = resolve
    this.reject = reject
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.flight.leave(this)
    this.reject(reason)
  }
}

/** A load under way, as this environment sees it: who waits for it here, and the loader if it runs here. */
class Flight {
  /** @type {'waiting' | 'loading' | 'over'} */
  #state = 'waiting'
  /** @type {Set<FlightWaiter> | undefined} made for the first one */
  #waiters
  /** @type {Promise<any> | undefined} of all who have no signal: they never leave */
  #sharedPromise
  /** @type {(value: any) => void} */
  #resolve = () => {}
  /** @type {(reason: unknown) => void} */
  #reject = () => {}
  /** @type {LoaderContext | undefined} */
  #context
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #observer
  /** Of whoever waited first for a load elsewhere, should it have to load here. @type {AsyncResource | undefined} */
  #resource
  /** @type {Loader} */
  #loader = () => {}
  /** When it began to load. */
  startedAt = 0
  /** Nobody waits for it, and it goes on nevertheless. */
  isBackground = false
  /** It is over, and there is no value. */
  isAbsent = false

  /**
   * @param {Id} id
   * @param {number} flightId
   * @param {FlightObserver} observer
   * @param {Loader} [loader] for a flight that loads elsewhere, should it have to load here
   */
  constructor(id, flightId, observer, loader) {
    this.id = id
    this.flightId = flightId
    this.#observer = observer
    if (loader !== undefined) {
      this.#loader = loader
      this.#resource = new AsyncResource('OffloopLoad')
    }
  }

  get isLoading() {
    return this.#state === 'loading'
  }

  get isRemote() {
    return this.#state === 'waiting' && this.#resource !== undefined
  }

  /** Whether anybody here waits for it. */
  get isAwaited() {
    return this.#sharedPromise !== undefined || (this.#waiters?.size ?? 0) > 0
  }

  get isSettled() {
    return this.#state === 'over'
  }

  /**
   * The outcome, for one more.
   * @param {AbortSignal | undefined} signal not aborted yet
   * @returns {Promise<any>}
   */
  join(signal) {
    if (signal !== undefined) {
      this.#waiters ??= new Set()
      const waiters = this.#waiters
      return new Promise((resolve, reject) => {
        const waiter = new FlightWaiter(this, signal, resolve, reject)
        waiters.add(waiter)
        try {
          watch(signal, waiter)
        } catch (error) {
          // Only a user-defined signal throws here.
          waiter.abort(error)
        }
      })
    }
    if (this.#sharedPromise === undefined) {
      this.#sharedPromise = new Promise(captureResolvers)
      this.#resolve = deferred.resolve
      this.#reject = deferred.reject
    }
    return this.#sharedPromise
  }

  /** The same flight, or the part that another object of a shared cache has in it. @param {Flight} other */
  isSameAs(other) {
    const { name } = this.#observer
    return this === other || (name !== undefined && name === other.#observer.name && this.flightId === other.flightId)
  }

  /** @throws OffloopError if the running code is a part of this flight: it would wait for itself */
  checkNotInside() {
    for (let at = flightContext.getStore(); at !== undefined; at = at.outer) {
      if (!at.flight.isSettled && at.flight.isSameAs(this)) {
        const message = `The loader of ${inspect(this.id)} asks for ${inspect(this.id)} itself, and would wait for ever`
        throw new OffloopError('ERR_OFFLOOP_RECURSIVE_LOAD', message)
      }
    }
  }

  /**
   * @param {Loader} loader
   * @param {unknown} previous
   * @param {(reason: unknown) => void} [onAbort]
   */
  load(loader, previous, onAbort) {
    if (this.#state !== 'waiting') return
    this.#state = 'loading'
    loadsInFlight++
    this.startedAt = clock.now()
    const context = new LoaderContext(previous, onAbort)
    this.#context = context
    this.startTimer()
    try {
      const value = loads.hasSubscribers ? this.#trace(loader, context) : this.#call(loader, context)
      if (typeof value?.then !== 'function') return this.#observer.onLoaded(this, value, context)
      Promise.resolve(value).then(
        value => this.#observer.onLoaded(this, value, context),
        error => this.#observer.onFailed(this, error)
      )
    } catch (error) {
      this.#observer.onFailed(this, error)
    }
  }

  /** @param {Loader} loader @param {LoaderContext} context */
  #call(loader, context) {
    return flightContext.run({ flight: this, outer: flightContext.getStore() }, loader, this.id, context)
  }

  /** @param {Loader} loader @param {LoaderContext} context */
  #trace(loader, context) {
    const traceContext = { cache: this.#observer.name, id: this.id, isBackground: this.isBackground }
    return traceCall(loads, traceContext, () => this.#call(loader, context), ABSENT)
  }

  /** From now on it may take as long as `loadTimeout` says. */
  startTimer() {
    const { loadTimeout } = this.#observer
    if (loadTimeout === undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#onTimeout(loadTimeout), loadTimeout)
    this.#timer.unref()
  }

  /**
   * The thread that loaded is gone: loads here, in the context of whoever waited first.
   */
  takeOver() {
    this.#resource?.runInAsyncScope(this.load, this, this.#loader, undefined)
  }

  /** @param {unknown} value */
  resolve(value) {
    if (!this.#markSettled()) return
    this.#resolve(value)
    if (this.#waiters === undefined) return
    for (const waiter of this.#waiters) {
      unwatch(waiter.signal, waiter)
      waiter.resolve(value)
    }
  }

  /** @param {unknown} reason */
  reject(reason) {
    if (!this.#markSettled()) return
    this.#reject(reason)
    if (this.#waiters === undefined) return
    for (const waiter of this.#waiters) {
      unwatch(waiter.signal, waiter)
      waiter.reject(reason)
    }
  }

  /**
   * Stops the loader; whoever still waits is told why.
   * @param {unknown} reason
   */
  stop(reason) {
    this.reject(reason)
    this.#context?.abort(reason)
  }

  /** @param {FlightWaiter} waiter */
  leave(waiter) {
    if (this.#state === 'over') return
    this.#waiters?.delete(waiter)
    if (this.isAwaited || this.isBackground) return
    // A flight to be led from here is about to load: it goes on.
    if (this.isLoading || this.isRemote) this.#observer.onAbandoned(this)
  }

  /** @param {number} millis */
  #onTimeout(millis) {
    if (this.#state === 'over') return
    const error = new DOMException(`The load of ${inspect(this.id)} took longer than ${millis} ms`, 'TimeoutError')
    if (this.#state === 'waiting') return this.#observer.onTimeout(this, error)
    this.#observer.onFailed(this, error)
    this.#context?.abort(error)
  }

  #markSettled() {
    if (this.#state === 'over') return false
    if (this.#state === 'loading') loadEnded()
    this.#state = 'over'
    clearTimeout(this.#timer)
    return true
  }
}

/**
 * Runs something that all these flights wait for.
 * @template R
 * @param {Flight[]} flights
 * @param {() => R} f
 * @returns {R}
 */
function runInsideFlights(flights, f) {
  const store = flights.reduce((outer, flight) => ({ flight, outer }), /** @type {any} */ (flightContext.getStore()))
  return flightContext.run(store, f)
}

module.exports = { ABSENT, LoaderContext, Flight, runInsideFlights }
