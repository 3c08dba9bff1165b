'use strict'

const { clock } = require('./clock')
const { MAX_IDLE_LENGTH, IdIndex } = require('./id-index')
const { LoadTimes, NONE } = require('./load-times')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./flight').Flight} Flight
 */

/** The loads in flight of a cache whose loads only one environment sees, and their statistics. */
class CurrentFlights {
  /** Slots of the flights that callers of an id join. */
  #slots = new IdIndex(0)
  /** Flights by slot. @type {(Flight | undefined)[]} */
  #flights = [undefined]
  /** Slots without a flight. @type {number[]} */
  #free = []
  /** Those whose ids were set, deleted or cleared after they began. @type {Set<Flight>} */
  #forgotten = new Set()
  #loads = 0
  /** @type {LoadTimes | undefined} */
  #loadTimes
  /** Number of callers that joined a flight. */
  coalesced = 0
  /** Number of failed loads. */
  failures = 0

  /** Returns the flight that callers of an id join. @type {(id: Id, hash?: number) => Flight | undefined} */
  get(id, hash) {
    if (this.#slots.size === 0) return undefined
    const slot = this.#slots.get(id, hash)
    return slot === undefined ? undefined : this.#flights[slot]
  }

  /** Adds a flight that callers of its id join from now on. @type {(flight: Flight, hash: number | undefined) => void} */
  add(flight, hash) {
    this.#loads++
    const slot = this.#free.pop() ?? this.#flights.length
    this.#slots.set(flight.id, slot, hash)
    flight.hash = hash
    this.#flights[slot] = flight
    flight.slot = slot
  }

  /** Ends the load of a flight. Returns whether callers of its id would have joined it. @param {Flight} flight */
  end(flight) {
    this.#loadTimes ??= new LoadTimes()
    this.#loadTimes.record(clock.now() - flight.startedAt)
    return this.remove(flight)
  }

  /** Removes a flight. Returns whether callers of its id would have joined it. @param {Flight} flight */
  remove(flight) {
    if (flight.slot === 0) {
      this.#forgotten.delete(flight)
      return false
    }
    this.#vacate(flight)
    return true
  }

  /** @param {Flight} flight */
  #vacate(flight) {
    this.#slots.delete(flight.slot)
    this.#flights[flight.slot] = undefined
    this.#free.push(flight.slot)
    flight.slot = 0
    // The arrays do not keep the length of their peak.
    if (this.#slots.size === 0 && this.#flights.length > MAX_IDLE_LENGTH) this.#dropSlots()
  }

  #dropSlots() {
    this.#slots = new IdIndex(0)
    this.#flights = [undefined]
    this.#free = []
  }

  /** Makes the next caller of an id begin another flight. @param {Id} id */
  forget(id) {
    const flight = this.get(id)
    if (flight === undefined) return
    this.#vacate(flight)
    this.#forgotten.add(flight)
  }

  forgetAll() {
    for (const flight of this.#flights) {
      if (flight === undefined) continue
      flight.slot = 0
      this.#forgotten.add(flight)
    }
    this.#dropSlots()
  }

  stats() {
    return {
      loads: this.#loads,
      coalesced: this.coalesced,
      loadFailures: this.failures,
      inFlight: this.#slots.size + this.#forgotten.size,
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
