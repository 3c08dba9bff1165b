'use strict'

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../cache/flight').Flight} Flight
 * @typedef {import('../cache/flight').Role} Role
 */

/** Flights of one cache whose values are not kept, and that other calls for their id do not find. */
class BareFlights {
  #coordinator
  /** @type {Set<Flight>} */
  #flights = new Set()

  /** @param {import('../cache/load-coordinator').LoadCoordinator} coordinator */
  constructor(coordinator) {
    this.#coordinator = coordinator
  }

  /** Returns a flight that has not begun to load. @type {(id: Id, role: Role) => Flight} */
  open(id, role) {
    const flight = this.#coordinator.begin(id, role)
    this.#flights.add(flight)
    return flight
  }

  /**
   * Begins a load.
   * @param {Flight} flight
   * @param {(id: Id, context: any) => Promise<unknown>} load
   * @param {unknown} previous
   * @param {Function} partialLoader
   */
  begin(flight, load, previous, partialLoader) {
    const loader = async (/** @type {Id} */ id, /** @type {any} */ context) => {
      try {
        return await load(id, context)
      } finally {
        this.#flights.delete(flight)
        context.store = false
      }
    }
    flight.load(loader, previous, partialLoader)
  }

  /** Gives up a flight that has not begun to load. @param {Flight} flight */
  drop(flight) {
    this.#flights.delete(flight)
  }

  /** Removes and returns all flights. */
  clear() {
    const flights = [...this.#flights]
    this.#flights.clear()
    return flights
  }
}

module.exports = { BareFlights }
