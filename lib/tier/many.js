'use strict'

const { currentScope } = require('../cache/loader-scope')
const { runInsideFlights } = require('../cache/flight')
const { byId, combinedError, pick } = require('../cache/get-many')
const { checkId } = require('../cache/options')
const { queueMicrotask } = require('../internal/clock')
const { invalidType } = require('../internal/validate')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../cache/flight').Flight} Flight
 * @typedef {import('../cache/get-many').LoadMany} LoadMany
 *
 * @typedef {object} Pending
 * @property {Id} id
 * @property {Flight} flight
 * @property {AbortSignal} signal
 * @property {(value: unknown) => void} resolve
 * @property {(error: unknown) => void} reject
 */

/** Outcome of an id that has no value. */
const ABSENT = Symbol('absent')

/** Collects the ids of a `getMany` that this process has to load, and loads them in one call when the tier has answered for all. */
class Batch {
  #loadMany
  /** Number of ids without an answer. */
  #unanswered = 0
  /** @type {Pending[]} */
  #pending = []
  #isScheduled = false

  /** @param {LoadMany} loadMany */
  constructor(loadMany) {
    this.#loadMany = loadMany
  }

  /** Counts an id without an answer. Returns a function to call when the tier has answered. */
  expect() {
    this.#unanswered++
    let isAnswered = false
    return () => {
      if (isAnswered) return
      isAnswered = true
      this.#unanswered--
      this.#schedule()
    }
  }

  /**
   * Loads an id together with others.
   * @param {Id} id
   * @param {{ signal: AbortSignal }} context
   * @returns {Promise<unknown>}
   */
  load = (id, { signal }) => {
    const flight = /** @type {Flight} */ (currentScope())
    return new Promise((resolve, reject) => {
      this.#pending.push({ id, flight, signal, resolve, reject })
      this.#schedule()
    })
  }

  #schedule() {
    if (this.#unanswered > 0 || this.#isScheduled || this.#pending.length === 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      if (this.#unanswered === 0 && this.#pending.length > 0) this.#run(this.#pending.splice(0))
    })
  }

  /** @param {Pending[]} pending */
  async #run(pending) {
    const ids = pending.map(({ id }) => id)
    const flights = pending.map(({ flight }) => flight)
    const signal = abortedWithAll(pending.map(({ signal }) => signal))
    try {
      const values = await runInsideFlights(flights, async () => byId(ids, await this.#loadMany(ids, { signal })))
      for (const { id, resolve, reject } of pending) {
        try {
          resolve(pick(values, id))
        } catch (error) {
          reject(error)
        }
      }
    } catch (error) {
      for (const { reject } of pending) reject(error)
    }
  }
}

/**
 * Returns a signal that aborts after all of these.
 * @param {AbortSignal[]} signals
 */
function abortedWithAll(signals) {
  const controller = new AbortController()
  let left = signals.length
  for (const signal of signals) {
    const onAbort = () => {
      if (--left === 0) controller.abort(signal.reason)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  }
  return controller.signal
}

/**
 * @param {unknown} ids
 * @returns {Id[]}
 */
function checkedIds(ids) {
  if (!Array.isArray(ids)) throw invalidType('The "ids" argument', 'an instance of Array', ids)
  // Read once, so that the ids that are looked up are those that were checked.
  const list = [...ids]
  for (const [index, id] of list.entries()) checkId(id, index)
  return list
}

/**
 * Returns the values of ids, or throws the error of those that failed.
 * @param {Id[]} ids
 * @param {PromiseSettledResult<any>[]} outcomes
 */
function resultsOf(ids, outcomes) {
  /** @type {Map<Id, unknown>} */
  const results = new Map()
  /** @type {Map<Id, unknown>} */
  const failures = new Map()
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') failures.set(ids[index], outcome.reason)
    else if (outcome.value !== ABSENT) results.set(ids[index], outcome.value)
  }
  if (failures.size === 0) return results
  throw combinedError([...failures.keys()], [...failures.values()], results, ids.length)
}

module.exports = { ABSENT, Batch, checkedIds, resultsOf }
