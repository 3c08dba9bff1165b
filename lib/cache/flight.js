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
 * Whoever hears how a flight goes.
 * @typedef {object} Tower
 * @property {(flight: Flight, value: unknown, context: Context) => void} loaded
 * @property {(flight: Flight, error: unknown) => void} failed
 * @property {(flight: Flight) => void} left nobody here waits any more
 * @property {(flight: Flight, error: unknown) => void} late it loads elsewhere, and takes too long
 * @property {number | undefined} loadTimeout
 * @property {string | undefined} name of the cache, if others share it
 *
 * The owner of the flights in native code's answers.
 * @typedef {object} Owner
 * @property {(id: Id, token: number, leads: boolean, load: Loader, role: Role) => Flight} board takes part in a flight
 * @property {(flight: Flight, error: unknown) => void} unboard gives up a flight that was to be led here
 * @typedef {'found' | 'behind' | 'anew'} Role a flight is found by its id, loads while a value is served, or is a refresh
 */

/**
 * The flights of which the running code is a part, from the inside out.
 * @type {AsyncLocalStorage<{ flight: Flight, outer: any }>}
 */
const inside = new AsyncLocalStorage()

/** The functions of the promise that was made last: a closure for each would be one more thing to collect. */
const kept = { resolve: (/** @type {unknown} */ _) => {}, reject: (/** @type {unknown} */ _) => {} }
/**
 * @param {(value: any) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function keepFunctions(resolve, reject) {
  kept.resolve = resolve
  kept.reject = reject
}

/** Loads under way here. */
let loading = 0
let isRestScheduled = false

/**
 * A load has ended. Without any, nothing is inside: up to Node 22 the storage slows every promise of the process down, and
 * is switched off until the next load.
 */
function loadEnded() {
  loading--
  if (loading > 0 || isRestScheduled) return
  isRestScheduled = true
  setImmediate(() => {
    isRestScheduled = false
    if (loading === 0) inside.disable()
  })
}

/** What a loader of ours says of an id of which there is nothing. */
const ABSENT = Symbol('absent')

/** What a loader is told, and may say. Its signal is made when somebody asks for it: most loaders do not. */
class Context {
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

/** Someone with a signal of their own who waits for a flight. */
class Caller {
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
  /** @type {Set<Caller> | undefined} made for the first one */
  #callers
  /** @type {Promise<any> | undefined} of all who have no signal: they never leave */
  #shared
  /** @type {(value: any) => void} */
  #resolve = () => {}
  /** @type {(reason: unknown) => void} */
  #reject = () => {}
  /** @type {Context | undefined} */
  #context
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #tower
  /** Of whoever waited first for a load elsewhere, should it have to load here. @type {AsyncResource | undefined} */
  #resource
  /** @type {Loader} */
  #loader = () => {}
  /** When it began to load. */
  started = 0
  /** Nobody waits for it, and it goes on nevertheless. */
  isBackground = false
  /** It is over, and there is no value. */
  isAbsent = false

  /**
   * @param {Id} id
   * @param {number} token
   * @param {Tower} tower
   * @param {Loader} [loader] for a flight that loads elsewhere, should it have to load here
   */
  constructor(id, token, tower, loader) {
    this.id = id
    this.token = token
    this.#tower = tower
    if (loader !== undefined) {
      this.#loader = loader
      this.#resource = new AsyncResource('OffloopLoad')
    }
  }

  get isLoading() {
    return this.#state === 'loading'
  }

  get isElsewhere() {
    return this.#state === 'waiting' && this.#resource !== undefined
  }

  /** Whether anybody here waits for it. */
  get isAwaited() {
    return this.#shared !== undefined || (this.#callers?.size ?? 0) > 0
  }

  get isOver() {
    return this.#state === 'over'
  }

  /**
   * The outcome, for one more.
   * @param {AbortSignal | undefined} signal not aborted yet
   * @returns {Promise<any>}
   */
  join(signal) {
    if (signal !== undefined) {
      this.#callers ??= new Set()
      const callers = this.#callers
      return new Promise((resolve, reject) => {
        const caller = new Caller(this, signal, resolve, reject)
        callers.add(caller)
        try {
          watch(signal, caller)
        } catch (error) {
          // Only a user-defined signal throws here.
          caller.abort(error)
        }
      })
    }
    if (this.#shared === undefined) {
      this.#shared = new Promise(keepFunctions)
      this.#resolve = kept.resolve
      this.#reject = kept.reject
    }
    return this.#shared
  }

  /** The same flight, or the part that another object of a shared cache has in it. @param {Flight} other */
  isSameAs(other) {
    const { name } = this.#tower
    return this === other || (name !== undefined && name === other.#tower.name && this.token === other.token)
  }

  /** @throws OffloopError if the running code is a part of this flight: it would wait for itself */
  checkNotInside() {
    for (let at = inside.getStore(); at !== undefined; at = at.outer) {
      if (!at.flight.isOver && at.flight.isSameAs(this)) {
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
    loading++
    this.started = clock.now()
    const context = new Context(previous, onAbort)
    this.#context = context
    this.startTimer()
    try {
      const value = loads.hasSubscribers ? this.#trace(loader, context) : this.#call(loader, context)
      if (typeof value?.then !== 'function') return this.#tower.loaded(this, value, context)
      Promise.resolve(value).then(
        value => this.#tower.loaded(this, value, context),
        error => this.#tower.failed(this, error)
      )
    } catch (error) {
      this.#tower.failed(this, error)
    }
  }

  /** @param {Loader} loader @param {Context} context */
  #call(loader, context) {
    return inside.run({ flight: this, outer: inside.getStore() }, loader, this.id, context)
  }

  /** @param {Loader} loader @param {Context} context */
  #trace(loader, context) {
    const told = { cache: this.#tower.name, id: this.id, isBackground: this.isBackground }
    return traceCall(loads, told, () => this.#call(loader, context), ABSENT)
  }

  /** From now on it may take as long as `loadTimeout` says. */
  startTimer() {
    const { loadTimeout } = this.#tower
    if (loadTimeout === undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#timeOut(loadTimeout), loadTimeout)
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
    if (!this.#end()) return
    this.#resolve(value)
    if (this.#callers === undefined) return
    for (const caller of this.#callers) {
      unwatch(caller.signal, caller)
      caller.resolve(value)
    }
  }

  /** @param {unknown} reason */
  reject(reason) {
    if (!this.#end()) return
    this.#reject(reason)
    if (this.#callers === undefined) return
    for (const caller of this.#callers) {
      unwatch(caller.signal, caller)
      caller.reject(reason)
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

  /** @param {Caller} caller */
  leave(caller) {
    if (this.#state === 'over') return
    this.#callers?.delete(caller)
    if (this.isAwaited || this.isBackground) return
    // A flight to be led from here is about to load: it goes on.
    if (this.isLoading || this.isElsewhere) this.#tower.left(this)
  }

  /** @param {number} millis */
  #timeOut(millis) {
    if (this.#state === 'over') return
    const error = new DOMException(`The load of ${inspect(this.id)} took longer than ${millis} ms`, 'TimeoutError')
    if (this.#state === 'waiting') return this.#tower.late(this, error)
    this.#tower.failed(this, error)
    this.#context?.abort(error)
  }

  #end() {
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
function insideAll(flights, f) {
  const store = flights.reduce((outer, flight) => ({ flight, outer }), /** @type {any} */ (inside.getStore()))
  return inside.run(store, f)
}

module.exports = { ABSENT, Context, Flight, insideAll }
