'use strict'

// Calls that accept no copy. Each is answered by a lookup that is sent to the tier after the call began: calls that come while a
// lookup of their id is in flight share the next one.

const { AsyncResource } = require('node:async_hooks')
const { ABSENT } = require('../cache/flight')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../cache/flight').Flight} Flight
 * @typedef {import('./loads').Loader} Loader
 * @typedef {import('./loads').How} How
 *
 * A lookup in flight. `next` is the flight of the calls that came since.
 * @typedef {{ next: Flight | undefined, begin: (() => void) | undefined }} Turn
 */

class Asks {
  #coordinator
  #loads
  #bare
  /** @type {Map<string, Turn>} */
  #turns = new Map()

  /**
   * @param {import('../cache/load-coordinator').LoadCoordinator} coordinator
   * @param {import('./loads').Loads} loads
   * @param {import('./bare-flights').BareFlights} bare
   */
  constructor(coordinator, loads, bare) {
    this.#coordinator = coordinator
    this.#loads = loads
    this.#bare = bare
  }

  /**
   * Returns a flight that asks the tier after this call, its promise, and whether this call leads the flight.
   * @param {Id} id
   * @param {string} key
   * @param {Loader | undefined} load
   * @param {How} how
   * @param {AbortSignal | undefined} signal
   * @returns {{ flight: Flight, leads: boolean, outcome: Promise<any> }}
   */
  ask(id, key, load, how, signal) {
    const path = `${how.mode} ${key}`
    const turn = this.#turns.get(path)
    if (turn === undefined) return { ...this.#begin(path, id, load, how, signal), leads: true }
    const leads = turn.next === undefined
    const flight = turn.next ?? this.#queue(turn, path, id, load, how)
    return { flight, leads, outcome: flight.join(signal) }
  }

  /**
   * Begins a turn.
   * @param {string} path
   * @param {Id} id
   * @param {Loader | undefined} load
   * @param {How} how
   * @param {AbortSignal | undefined} signal
   */
  #begin(path, id, load, { mode, onAsk }, signal) {
    /** @type {Turn} */
    const turn = { next: undefined, begin: undefined }
    const onAnswer = onAsk?.()
    const end = () => {
      onAnswer?.()
      if (this.#turns.get(path) !== turn) return
      this.#turns.delete(path)
      turn.begin?.()
    }
    const loader = this.#loads.through(load, { mode, onAsk: () => end })
    this.#turns.set(path, turn)
    try {
      const found = this.#coordinator.refresh(id, loader)
      if (found.leads) {
        const outcome = found.flight.join(signal)
        found.flight.load(loader, found.previous, loader)
        return { flight: found.flight, outcome }
      }
      // The load in flight asked the tier earlier: its value may be too old.
      this.#coordinator.leave(found.flight)
      const flight = this.#bare.open(id, 'lookup')
      const outcome = flight.join(signal)
      this.#bare.begin(flight, loader, undefined, loader)
      return { flight, outcome }
    } catch (error) {
      end()
      throw error
    }
  }

  /**
   * Returns the flight of the calls that wait for the next turn.
   * @param {Turn} turn
   * @param {string} path
   * @param {Id} id
   * @param {Loader | undefined} load
   * @param {How} how
   */
  #queue(turn, path, id, load, how) {
    const next = this.#bare.open(id, 'lookup')
    turn.next = next
    // The load runs in the async context of its first caller, not in that of the previous load.
    turn.begin = AsyncResource.bind(() => {
      // All callers have left.
      if (!next.isAwaited) return this.#bare.drop(next)
      const run = async (/** @type {Id} */ id, /** @type {{ signal: AbortSignal }} */ { signal }) => {
        const { flight, outcome } = this.#begin(path, id, load, how, signal)
        const value = await outcome
        return flight.isAbsent ? ABSENT : value
      }
      this.#bare.begin(next, run, undefined, run)
    })
    return next
  }
}

module.exports = { Asks }
