'use strict'

const { isMap } = require('node:util').types
const { invalidType, invalidValue } = require('../internal/validate')
const { unwatch, watch } = require('../internal/abort')
const { loads } = require('../internal/diagnostics')
const { ABSENT, runInsideFlights } = require('./flight')
const { formatId } = require('./format-id')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./flight').Flight} Flight
 * @typedef {import('./flight').Answer} Answer
 * @typedef {import('./load-coordinator').PendingLoad} PendingLoad
 * @typedef {(ids: Id[], context: { signal: AbortSignal }) => Promise<Map<Id, unknown> | unknown[]>} LoadMany
 */

/** Maximum number of ids in a message. */
const MAX_LISTED = 10

/** @type {(...args: unknown[]) => void} */
const ignore = () => {}

/** A call of `getMany`, which waits for all its flights: creating a promise for each of many ids would hold the event loop. */
class ManyWaiter {
  /** By id, in the order of the ids; `undefined` until its value is known. @type {Map<Id, unknown>} */
  #results = new Map()
  /** @type {Map<Id, unknown>} */
  #failures = new Map()
  /** Ids to look up: first all, then those for which the loader of another call returned nothing. @type {Id[]} */
  #unloaded
  /** @type {Flight[]} */
  #flights = []
  /** Number of ids without an outcome, plus 1 until all are looked up. */
  #pending = 0
  #count
  #loaders
  #signal
  /** Whether ids are looked up again. A second absence is accepted: otherwise N calls for an absent id would run N loads. */
  #isRepeated = false
  #resolve = ignore
  #reject = ignore

  /**
   * @param {Iterable<Id>} ids
   * @param {(Function | undefined)[]} loaders of this call
   * @param {AbortSignal | undefined} signal not aborted yet
   */
  constructor(ids, loaders, signal) {
    for (const id of ids) this.#results.set(id, undefined)
    this.#unloaded = [...this.#results.keys()]
    this.#count = this.#unloaded.length
    this.#loaders = loaders
    this.#signal = signal
  }

  /**
   * Looks up the ids that are not loaded yet, and waits for their flights.
   * @param {(id: Id) => Answer} find
   * @param {(toLoad: PendingLoad[]) => void} load
   * @returns {Promise<boolean>} whether ids remain for `loadRest`
   */
  load(find, load) {
    return new Promise((resolve, reject) => {
      this.#resolve = () => resolve(this.#unloaded.length > 0)
      this.#reject = reject
      if (this.#signal?.aborted) throw this.#signal.reason
      this.#pending = 1
      this.#flights = []
      load(this.#find(find))
      this.#wait()
    })
  }

  /** Looks up once more the ids for which the loader of another call returned nothing. @type {ManyWaiter['load']} */
  loadRest(find, load) {
    this.#isRepeated = true
    return this.load(find, load)
  }

  /** Looks ids up. Returns the flights that the caller must load. @type {(find: (id: Id) => Answer) => PendingLoad[]} */
  #find(find) {
    /** @type {PendingLoad[]} */
    const toLoad = []
    const ids = this.#unloaded
    this.#unloaded = []
    for (const id of ids) {
      try {
        const { entry, flight, leads, previous } = find(id)
        if (entry !== undefined) this.#keep(id, entry.value)
        if (flight === undefined) continue
        if (entry === undefined) {
          this.#pending++
          this.#flights.push(flight)
          flight.addWaiter(this)
        }
        if (leads) toLoad.push({ flight, previous })
      } catch (error) {
        this.#failures.set(id, error)
      }
    }
    return toLoad
  }

  /** Waits for the flights, all of which are loading. */
  #wait() {
    this.#onOutcome()
    if (this.#signal === undefined || this.#pending === 0) return
    // A loader may have aborted the signal.
    if (this.#signal.aborted) return this.abort(this.#signal.reason)
    try {
      watch(this.#signal, this)
    } catch (error) {
      // Only a user-defined signal throws here.
      this.abort(error)
    }
  }

  /** @param {unknown} reason */
  abort(reason) {
    for (const flight of this.#flights) flight.leave(this)
    this.#reject(reason)
  }

  /** @type {import('./flight').Waiter['onSettled']} */
  onSettled(flight, outcome, value) {
    if (outcome === 'reject') this.#failures.set(flight.id, value)
    else if (flight.isAbsent && (this.#isRepeated || flight.isLoadedBy(this.#loaders))) this.#results.delete(flight.id)
    else if (flight.isAbsent) this.#unloaded.push(flight.id)
    else this.#keep(flight.id, value)
    this.#onOutcome()
  }

  /** Keeps a value, or waits for a promise that is stored as a value. @type {(id: Id, value: any) => void} */
  #keep(id, value) {
    try {
      if (typeof value?.then !== 'function') {
        this.#results.set(id, value)
        return
      }
      const promise = Promise.resolve(value)
      this.#pending++
      promise
        .then(
          value => this.#results.set(id, value),
          error => this.#failures.set(id, error)
        )
        .then(() => this.#onOutcome())
    } catch (error) {
      this.#failures.set(id, error)
    }
  }

  #onOutcome() {
    if (--this.#pending > 0) return
    if (this.#signal !== undefined) unwatch(this.#signal, this)
    this.#resolve()
  }

  /** Returns the values of all ids, or throws the error of those that failed. */
  takeResults() {
    if (this.#failures.size === 0) return this.#results
    const ids = [...this.#results.keys()].filter(id => this.#failures.has(id))
    for (const id of ids) this.#results.delete(id)
    const errors = ids.map(id => this.#failures.get(id))
    throw combinedError(ids, errors, this.#results, this.#count)
  }
}

/**
 * Returns the values of many ids, after loading the missing ones together.
 * @param {Id[]} ids
 * @param {(Function | undefined)[]} loaders that `load` calls
 * @param {(id: Id) => Answer} find
 * @param {(toLoad: PendingLoad[]) => void} load
 * @param {AbortSignal | undefined} signal not aborted yet
 * @returns {Promise<Map<Id, unknown>>}
 */
async function getMany(ids, loaders, find, load, signal) {
  const waiter = new ManyWaiter(ids, loaders, signal)
  if (await waiter.load(find, load)) await waiter.loadRest(find, load)
  return waiter.takeResults()
}

/**
 * Loads all the flights in one call.
 * @param {PendingLoad[]} toLoad
 * @param {LoadMany} load
 */
function loadMany(toLoad, load) {
  const controller = new AbortController()
  const { signal } = controller
  let awaited = 0
  const settings = {
    store: true,
    ttl: undefined,
    abort(/** @type {unknown} */ reason) {
      if (--awaited === 0) controller.abort(reason)
    }
  }
  const flights = toLoad.map(({ flight }) => flight).filter(flight => flight.begin(settings, load))
  awaited = flights.length
  if (awaited === 0) return
  const ids = flights.map(flight => flight.id)
  const loaded = runInsideFlights(flights, async () => byId(ids, await load(ids, { signal })))
  if (loads.hasSubscribers) {
    for (const flight of flights) flight.trace(() => loaded.then(values => pick(values, flight.id))).catch(() => {})
  }
  loaded.then(
    values => {
      for (const flight of flights) {
        try {
          flight.complete(pick(values, flight.id))
        } catch (error) {
          flight.fail(error)
        }
      }
    },
    error => {
      for (const flight of flights) flight.fail(error)
    }
  )
}

/**
 * Returns a loader of one id that calls a loader of many.
 * @param {LoadMany} load
 * @returns {import('../../index').CacheLoader<any, any>}
 */
function loaderOfOne(load) {
  return async (id, context) => pick(byId([id], await load([id], context)), id)
}

/** @type {(values: Map<Id, unknown>, id: Id) => unknown} */
function pick(values, id) {
  if (!values.has(id)) return ABSENT
  const value = values.get(id)
  if (value instanceof Error) throw value
  return value
}

/**
 * @param {Id[]} ids
 * @param {unknown} values
 * @returns {Map<Id, unknown>}
 */
function byId(ids, values) {
  if (isMap(values)) return /** @type {Map<Id, unknown>} */ (values)
  if (!Array.isArray(values)) throw invalidType('The result of loadMany', 'a Map or an Array', values)
  if (values.length === ids.length) return new Map(ids.map((id, index) => [id, values[index]]))
  throw invalidValue(
    `The result of loadMany must have ${ids.length} ${ids.length === 1 ? 'value' : 'values'}, one for each id. Received ${values.length}`
  )
}

/**
 * Returns the error of all ids if they failed with the same one, otherwise an error that lists those that failed.
 * @param {Id[]} ids that failed
 * @param {unknown[]} errors
 * @param {Map<Id, unknown>} results
 * @param {number} count of all ids
 */
function combinedError(ids, errors, results, count) {
  if (ids.length === count && errors.every(error => error === errors[0])) return errors[0]
  const listed = ids.slice(0, MAX_LISTED).map(formatId)
  if (ids.length > MAX_LISTED) listed.push(`and ${ids.length - MAX_LISTED} more`)
  const message = `${ids.length} of ${count} ids could not be loaded: ${listed.join(', ')}`
  return Object.assign(new AggregateError(errors, message), { ids, results })
}

module.exports = { byId, combinedError, getMany, loadMany, loaderOfOne, pick }
