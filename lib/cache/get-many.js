'use strict'

const { inspect } = require('node:util')
const { invalidType, invalidValue } = require('../internal/validate')
const { ABSENT, runInsideFlights } = require('./flight')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./flight').Flight} Flight
 * @typedef {import('./load-coordinator').LookupResult} LookupResult
 * @typedef {import('./load-coordinator').PendingLoad} PendingLoad
 * @typedef {(ids: Id[], context: { signal: AbortSignal }) => Promise<Map<Id, unknown> | unknown[]>} LoadMany
 */

/**
 * Returns the values of many ids, after loading the missing ones together.
 * @param {Id[]} ids
 * @param {(id: Id) => LookupResult} find
 * @param {(toLoad: PendingLoad[]) => void} load
 * @returns {Promise<Map<Id, unknown>>}
 */
async function getMany(ids, find, load) {
  /** Values or promises. @type {Map<Id, unknown>} */
  const found = new Map()
  /** @type {Map<Id, Flight>} */
  const awaited = new Map()
  /** @type {PendingLoad[]} */
  const toLoad = []
  for (const id of new Set(ids)) {
    try {
      const answer = find(id)
      if ('value' in answer) {
        found.set(id, answer.value)
        if (answer.backgroundRefresh !== undefined) toLoad.push(answer.backgroundRefresh)
      } else {
        const { flight, leads, previous } = answer
        found.set(id, flight.join(undefined))
        awaited.set(id, flight)
        if (leads) toLoad.push({ flight, previous })
      }
    } catch (error) {
      found.set(id, Promise.reject(error))
    }
  }
  load(toLoad)
  const settled = await Promise.allSettled(found.values())
  /** @type {Map<Id, unknown>} */
  const results = new Map()
  /** @type {Map<Id, unknown>} */
  const failures = new Map()
  for (const [index, id] of [...found.keys()].entries()) {
    const outcome = settled[index]
    if (outcome.status === 'rejected') failures.set(id, outcome.reason)
    else if (!awaited.get(id)?.isAbsent) results.set(id, outcome.value)
  }
  if (failures.size > 0) throw combinedError(failures, results, found.size)
  return results
}

/**
 * Loads all the flights in one call.
 * @param {PendingLoad[]} toLoad
 * @param {LoadMany} load
 */
function loadMany(toLoad, load) {
  const flights = toLoad.map(({ flight }) => flight)
  if (flights.length === 0) return
  const ids = flights.map(flight => flight.id)
  const { signal, abort } = groupSignal(flights.length)
  const loaded = runInsideFlights(flights, async () => byId(ids, await load(ids, { signal })))
  for (const { flight, previous } of toLoad) {
    flight.load(async () => pick(await loaded, flight.id), previous, abort)
  }
}

/** Returns a signal that aborts when all of `count` flights have called `abort`. @param {number} count */
function groupSignal(count) {
  const controller = new AbortController()
  const abort = (/** @type {unknown} */ reason) => {
    if (--count === 0) controller.abort(reason)
  }
  return { signal: controller.signal, abort }
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
  if (values instanceof Map) return values
  if (!Array.isArray(values)) throw invalidType('The result of loadMany', 'a Map or an Array', values)
  if (values.length === ids.length) return new Map(ids.map((id, index) => [id, values[index]]))
  throw invalidValue(
    `The result of loadMany must have ${ids.length} values, one for each id. Received ${values.length}`
  )
}

/**
 * Returns the error of all ids if they failed with the same one, otherwise an error that lists those that failed.
 * @param {Map<Id, unknown>} failures
 * @param {Map<Id, unknown>} results
 * @param {number} count of all ids
 */
function combinedError(failures, results, count) {
  const errors = [...failures.values()]
  if (failures.size === count && errors.every(error => error === errors[0])) return errors[0]
  const ids = [...failures.keys()]
  const message = `${ids.length} of ${count} ids could not be loaded: ${ids.map(id => inspect(id)).join(', ')}`
  return Object.assign(new AggregateError(errors, message), { ids, results })
}

module.exports = { getMany, loadMany, loaderOfOne }
