'use strict'

const { clock } = require('./clock')
const { LoadTimes, NONE } = require('./load-times')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./flight').Flight} Flight
 */

/** The loads in flight of a cache whose loads only one environment sees, and their statistics. */
class CurrentFlights {
  /** Those that callers of an id join. @type {Map<Id, Flight>} */
  #byId = new Map()
  /** Those whose ids were set, deleted or cleared after they began. @type {Set<Flight>} */
  #forgotten = new Set()
  #loads = 0
  /** @type {LoadTimes | undefined} */
  #loadTimes
  /** Number of callers that joined a flight. */
  coalesced = 0
  /** Number of failed loads. */
  failures = 0

  /** Returns the flight that callers of an id join. @param {Id} id */
  get(id) {
    return this.#byId.get(id)
  }

  /** @param {Flight} flight */
  add(flight) {
    this.#loads++
    this.#byId.set(flight.id, flight)
  }

  /** Ends the load of a flight. Returns whether callers of its id would have joined it. @param {Flight} flight */
  end(flight) {
    this.#loadTimes ??= new LoadTimes()
    this.#loadTimes.record(clock.now() - flight.startedAt)
    return this.remove(flight)
  }

  /** Removes a flight. Returns whether callers of its id would have joined it. @param {Flight} flight */
  remove(flight) {
    if (this.#byId.get(flight.id) === flight) return this.#byId.delete(flight.id)
    this.#forgotten.delete(flight)
    return false
  }

  /** Makes the next caller of an id begin another flight. @param {Id} id */
  forget(id) {
    const flight = this.#byId.get(id)
    if (flight === undefined) return
    this.#byId.delete(id)
    this.#forgotten.add(flight)
  }

  forgetAll() {
    for (const flight of this.#byId.values()) this.#forgotten.add(flight)
    this.#byId.clear()
  }

  stats() {
    return {
      loads: this.#loads,
      coalesced: this.coalesced,
      loadFailures: this.failures,
      inFlight: this.#byId.size + this.#forgotten.size,
      loadTime: this.#loadTimes?.summary() ?? { ...NONE }
    }
  }

  /** Removes and returns all flights. */
  clear() {
    this.forgetAll()
    const flights = [...this.#forgotten]
    this.#forgotten.clear()
    return flights
  }
}

module.exports = { CurrentFlights }
