'use strict'

const { AsyncResource } = require('node:async_hooks')
const { unwatch, watch } = require('../internal/abort')
const { inspect } = require('node:util')
const { captureResolvers, deferred } = require('../internal/deferred')
const { OffloopError } = require('../internal/errors')
const { clearTimeout, setTimeout } = require('../internal/clock')
const { loads, traceCall } = require('../internal/diagnostics')
const { invalidThis } = require('../internal/validate')
const { clock } = require('./clock')
const { callInside, currentScope, loadBegan, loadEnded } = require('./loader-scope')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../../index').CacheLoadContext<any>} LoadContext
 * @typedef {import('./loader-scope').LoaderScope} LoaderScope
 * @typedef {(id: Id, context: LoadContext) => any} Loader
 *
 * Observes the outcome of flights.
 * @typedef {object} FlightObserver
 * @property {(flight: Flight, value: unknown, context: Settings) => void} onLoaded
 * @property {(flight: Flight, error: unknown) => void} onFailed
 * @property {(flight: Flight) => void} onAbandoned no caller waits here any more
 * @property {(flight: Flight, error: unknown) => void} onTimeout the load in another thread takes too long
 * @property {number | undefined} loadTimeout
 * @property {string | undefined} name of a named cache
 *
 * A caller, or several, that waits for flights.
 * @typedef {object} Waiter
 * @property {(flight: Flight, outcome: 'resolve' | 'reject', value: any) => void} onSettled
 *
 * How to store the value of a load, and how to abort it.
 * @typedef {{ store: boolean, ttl: number | undefined, abort(reason: unknown): void }} Settings
 *
 * Answer of a store about an id.
 * @typedef {object} Answer
 * @property {{ value: any } | undefined} entry to serve now
 * @property {Flight | undefined} flight to wait for or, if there is an entry, to lead in the background
 * @property {boolean} leads whether the caller must load
 * @property {unknown} previous the last known value, for the loader
 *
 * Joins the flights in the answers of a store.
 * @typedef {object} FlightOwner
 * @property {(id: Id, role: Role) => Flight} begin
 * @property {(id: Id, flightId: number, leads: boolean, load: Loader, role: Role) => Flight} join
 * @property {(flight: Flight, error: unknown) => void} abandon leaves a flight that this environment has not begun to load
 * @typedef {'lookup' | 'background' | 'refresh'} Role of a flight: a caller waits, was served a value already, or refreshes
 */

/** The flights of a call of `loadMany`. @implements {LoaderScope} */
class ManyScope {
  /** Flights by id; created on first use. @type {Map<Id, Flight> | undefined} */
  #byId
  #flights
  outer = currentScope()

  /** @param {Flight[]} flights of one cache */
  constructor(flights) {
    this.#flights = flights
  }

  get isSettled() {
    return this.#flights.every(flight => flight.isSettled)
  }

  /** @param {Flight} flight */
  includes(flight) {
    this.#byId ??= new Map(this.#flights.map(flight => [flight.id, flight]))
    return this.#byId.get(flight.id)?.includes(flight) === true
  }
}

/** Result of a load by `loadMany` that returned nothing for the id. */
const ABSENT = Symbol('absent')

/** The second argument of a loader. Its signal is created on first access: most loaders do not use it. */
class LoaderContext {
  /** @type {AbortController | undefined} */
  #controller
  /** @type {{ reason: unknown } | undefined} */
  #aborted
  /** @type {number | undefined} */
  ttl = undefined
  store = true

  /** @param {unknown} previous */
  constructor(previous) {
    this.previous = previous
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

  /** @type {Waiter['onSettled']} */
  onSettled(_flight, outcome, value) {
    unwatch(this.signal, this)
    this[outcome](value)
  }
}

const ignore = () => {}

/** A load in flight: the callers of this environment that wait for it, and the loader if it runs here. @implements {LoaderScope} */
class Flight {
  /** @type {'waiting' | 'loading' | 'settled'} */
  #state = 'waiting'
  /** The first waiter, if the flight has any. @type {Waiter | undefined} */
  #waiter
  /** Further waiters; most flights have none. @type {Set<Waiter> | undefined} */
  #waiters
  /** Shared by the callers without a signal, which never leave. @type {Promise<any> | undefined} */
  #sharedPromise
  /** @type {(value: any) => void} */
  #resolve = ignore
  /** @type {(reason: unknown) => void} */
  #reject = ignore
  /** @type {Settings | undefined} */
  #context
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #observer
  /** Async context of the first caller, for a flight that this thread may take over. @type {AsyncResource | undefined} */
  #resource
  /** @type {Loader} */
  #loader = ignore
  /** @type {LoaderScope | undefined} */
  outer
  startedAt = 0
  /** Slot in `CurrentFlights`, or 0 if callers of its id do not join it. */
  slot = 0
  /** Hash of the id, computed by heap storage. @type {number | undefined} */
  hash = undefined
  /** Whether it ended without a value. */
  isAbsent = false
  /** Copy of the bytes of the last known value, for a store that keeps them for its loaders. @type {Buffer | undefined} */
  previousBytes = undefined
  /** Bytes of the loaded value, if the loader knows them. @type {Uint8Array | undefined} */
  encoded = undefined
  /** Time until the loaded value is due for a reload, if it is not that of the cache. @type {number | undefined} */
  refresh = undefined
  /** The loader, if it may end without a value. @type {Function | undefined} */
  #partialLoader

  /**
   * @param {Id} id
   * @param {number} flightId
   * @param {Role} role
   * @param {FlightObserver} observer
   * @param {Loader} [loader] for a load in another thread, in case this thread takes over
   */
  constructor(id, flightId, role, observer, loader) {
    this.id = id
    this.flightId = flightId
    this.role = role
    this.#observer = observer
    if (loader !== undefined) {
      this.#loader = loader
      this.#resource = new AsyncResource('OffloopLoad')
    }
  }

  get isLoading() {
    return this.#state === 'loading'
  }

  /** Whether another thread loads. */
  get isRemote() {
    return this.#state === 'waiting' && this.#resource !== undefined
  }

  get isAwaited() {
    return this.#sharedPromise !== undefined || this.#waiter !== undefined || (this.#waiters?.size ?? 0) > 0
  }

  /** Whether it loads without a waiting caller. */
  get isBackground() {
    return this.role === 'background'
  }

  get isSettled() {
    return this.#state === 'settled'
  }

  /** Whether the flight may end without a value; true also before the load begins here, or while another thread loads. */
  get mayBeAbsent() {
    return this.#state === 'waiting' || this.#partialLoader !== undefined
  }

  /** Whether it was loaded by one of these functions. @param {(Function | undefined)[]} loaders */
  isLoadedBy(loaders) {
    return this.#partialLoader !== undefined && loaders.includes(this.#partialLoader)
  }

  /**
   * Returns a promise of the outcome.
   * @param {AbortSignal | undefined} signal not aborted yet
   * @returns {Promise<any>}
   */
  join(signal) {
    if (signal !== undefined) {
      return new Promise((resolve, reject) => {
        const waiter = new FlightWaiter(this, signal, resolve, reject)
        this.addWaiter(waiter)
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

  /** @param {Waiter} waiter */
  addWaiter(waiter) {
    if (this.#waiter === undefined) {
      this.#waiter = waiter
    } else {
      this.#waiters ??= new Set()
      this.#waiters.add(waiter)
    }
  }

  /** The `Cache`s of one name number their flights together. @param {Flight} flight */
  includes(flight) {
    if (this.#state === 'settled') return false
    const { name } = this.#observer
    if (flight === this || this.flightId === 0) return flight === this
    return name !== undefined && name === flight.#observer.name && flight.flightId === this.flightId
  }

  /** Throws if the loader of this flight called the running code: it would wait for itself. */
  checkNotInside() {
    for (let scope = currentScope(); scope !== undefined; scope = scope.outer) {
      if (scope.includes(this)) {
        const message = `The loader of ${inspect(this.id)} asks for ${inspect(this.id)} itself: it would wait forever`
        throw new OffloopError('ERR_OFFLOOP_RECURSIVE_LOAD', message)
      }
    }
  }

  /**
   * @param {Loader} loader
   * @param {unknown} previous
   * @param {Function} [partialLoader] the user's loader, if it may return no value
   */
  load(loader, previous, partialLoader = this.isRemote ? loader : undefined) {
    const context = new LoaderContext(previous)
    // A `loadMany` that takes over from another thread may return no value.
    if (!this.begin(context, partialLoader)) return
    try {
      const value = loads.hasSubscribers ? this.trace(() => this.#call(loader, context)) : this.#call(loader, context)
      this.complete(value)
    } catch (error) {
      this.fail(error)
    }
  }

  /** @type {(loader: Loader, context: LoaderContext) => any} */
  #call(loader, context) {
    this.outer = currentScope()
    return callInside(this, loader, this.id, context)
  }

  /**
   * Begins to load here. Returns false if the flight is loading or has settled.
   * @param {Settings} context
   * @param {Function} [partialLoader] the loader, if it may return no value
   */
  begin(context, partialLoader) {
    if (this.#state !== 'waiting') return false
    this.#state = 'loading'
    this.#partialLoader = partialLoader
    loadBegan()
    this.startedAt = clock.now()
    this.#context = context
    this.startTimer()
    return true
  }

  /** Ends the load with a value, or with the outcome of a promise. @param {any} value */
  complete(value) {
    const context = /** @type {Settings} */ (this.#context)
    if (typeof value?.then !== 'function') return this.#observer.onLoaded(this, value, context)
    Promise.resolve(value).then(
      value => this.#observer.onLoaded(this, value, context),
      error => this.fail(error)
    )
  }

  /** @param {unknown} error */
  fail(error) {
    this.#observer.onFailed(this, error)
  }

  /** Calls a loader, and publishes its outcome. @type {(call: () => any) => any} */
  trace(call) {
    const traceContext = { cache: this.#observer.name, id: this.id, isBackground: this.isBackground }
    return traceCall(loads, traceContext, call, ABSENT)
  }

  /** Starts the timer of `loadTimeout`, or restarts it. */
  startTimer() {
    const { loadTimeout } = this.#observer
    if (loadTimeout === undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#onTimeout(loadTimeout), loadTimeout)
    this.#timer.unref()
  }

  /** Loads here, since this environment has become the leader. */
  takeOver() {
    this.#resource?.runInAsyncScope(this.load, this, this.#loader, undefined)
  }

  /** @param {unknown} value */
  resolve(value) {
    this.#settle('resolve', value)
  }

  /** Resolves without a value. */
  resolveAbsent() {
    this.isAbsent = true
    this.resolve(undefined)
  }

  /** @param {unknown} reason */
  reject(reason) {
    this.#settle('reject', reason)
  }

  /** @type {(outcome: 'resolve' | 'reject', value: unknown) => void} */
  #settle(outcome, value) {
    if (this.#state === 'settled') return
    if (this.#state === 'loading') loadEnded()
    this.#state = 'settled'
    clearTimeout(this.#timer)
    if (outcome === 'resolve') this.#resolve(value)
    else this.#reject(value)
    this.#waiter?.onSettled(this, outcome, value)
    if (this.#waiters === undefined) return
    for (const waiter of this.#waiters) waiter.onSettled(this, outcome, value)
  }

  /** Rejects all callers, and aborts the loader's signal. @param {unknown} reason */
  stop(reason) {
    this.reject(reason)
    this.#context?.abort(reason)
  }

  /** @param {Waiter} waiter */
  leave(waiter) {
    if (this.#state === 'settled') return
    if (this.#waiter === waiter) this.#waiter = undefined
    else this.#waiters?.delete(waiter)
    if (this.isAwaited || this.isBackground) return
    // A flight that is about to load here is not abandoned.
    if (this.isLoading || this.isRemote) this.#observer.onAbandoned(this)
  }

  /** @param {number} millis */
  #onTimeout(millis) {
    if (this.#state === 'settled') return
    const error = new DOMException(`The load of ${inspect(this.id)} took longer than ${millis} ms`, 'TimeoutError')
    if (this.#state === 'waiting') return this.#observer.onTimeout(this, error)
    this.#observer.onFailed(this, error)
    this.#context?.abort(error)
  }
}

/**
 * Runs a function as the loader of all these flights.
 * @template R
 * @param {Flight[]} flights
 * @param {() => R} load
 * @returns {R}
 */
function runInsideFlights(flights, load) {
  return callInside(new ManyScope(flights), load, undefined, undefined)
}

module.exports = { ABSENT, Flight, runInsideFlights }
