'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../errors')
const { invalidType } = require('../validate')
const { insideAll } = require('./flight')

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('./flight').Flight} Flight
 * @typedef {{ value: unknown } | { flight: Flight, leads: boolean }} Found
 * @typedef {(ids: Id[], context: { signal: AbortSignal }) => Promise<Map<Id, unknown> | unknown[]>} LoadMany
 */

/**
 * The values of many ids, of which the missing ones are loaded in one call.
 * @param {Id[]} ids
 * @param {LoadMany} load
 * @param {(id: Id) => Found} find
 * @returns {Promise<Map<Id, unknown>>}
 */
async function loadMany(ids, load, find) {
  /** @type {Map<Id, unknown>} */
  const results = new Map()
  /** @type {Map<Id, Promise<unknown>>} */
  const waiting = new Map()
  /** @type {Flight[]} */
  const led = []
  for (const id of new Set(ids)) {
    const found = find(id)
    // Keeps the order of the ids, whenever the values come.
    results.set(id, 'value' in found ? found.value : undefined)
    if ('value' in found) continue
    waiting.set(id, found.flight.join(undefined))
    if (found.leads) led.push(found.flight)
  }
  const absent = led.length > 0 ? loadAll(led, load) : new Set()
  /** @type {Map<Id, unknown>} */
  const failures = new Map()
  for (const [id, promise] of waiting) {
    try {
      results.set(id, await promise)
    } catch (error) {
      failures.set(id, error)
    }
  }
  for (const id of [...absent, ...failures.keys()]) results.delete(id)
  if (failures.size > 0) throw failure(failures, results)
  return results
}

/**
 * Loads for all the flights at once. Returns the ids for which nothing came, when they have landed.
 * @param {Flight[]} flights
 * @param {LoadMany} load
 */
function loadAll(flights, load) {
  const ids = flights.map(flight => flight.id)
  const absent = new Set()
  const controller = new AbortController()
  const loaded = insideAll(flights, async () => byId(ids, await load(ids, { signal: controller.signal })))
  for (const flight of flights) {
    flight.load(async context => {
      const values = await loaded
      if (values.has(flight.id)) {
        const value = values.get(flight.id)
        if (value instanceof Error) throw value
        return value
      }
      absent.add(flight.id)
      context.store = false
      return undefined
    }, undefined)
  }
  return absent
}

/**
 * @param {Id[]} ids
 * @param {unknown} values
 * @returns {Map<Id, unknown>}
 */
function byId(ids, values) {
  if (values instanceof Map) return values
  if (!Array.isArray(values)) throw invalidType('What loadMany returns', 'a Map or an Array', values)
  if (values.length === ids.length) return new Map(ids.map((id, index) => [id, values[index]]))
  const message = `What loadMany returns must have a value for each of ${ids.length} ids. Received ${values.length}`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * The one error of all that failed, or an error that names them.
 * @param {Map<Id, unknown>} failures
 * @param {Map<Id, unknown>} results
 */
function failure(failures, results) {
  const errors = [...failures.values()]
  if (results.size === 0 && errors.every(error => error === errors[0])) return errors[0]
  const ids = [...failures.keys()]
  const message = `${ids.length} of ${ids.length + results.size} ids could not be loaded: ${ids.map(id => inspect(id)).join(', ')}`
  return Object.assign(new AggregateError(errors, message), { ids, results })
}

module.exports = { loadMany }
