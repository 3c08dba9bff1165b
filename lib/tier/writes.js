'use strict'

// Changes of a tiered cache. This process drops its own copy before it sends a change, and again after the reply.

const { ABSENT } = require('../cache/flight')
const { copyOf, encodeOwn } = require('./copies')
const { changes } = require('./events')
const { tierError } = require('./errors')
const { timing } = require('./timing')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./parts').Parts} Parts
 * @typedef {import('../cache/flight').Flight} Flight
 */

/** Maximum number of keys in a command. */
const KEYS = 100
/** Factor of the wait until no process serves an older copy: clocks run at slightly different rates. */
const CLOCK_ERROR = 1.01

class Writes {
  #it
  #coordinator
  #loads

  /**
   * @param {Parts} parts
   * @param {import('../cache/load-coordinator').LoadCoordinator} coordinator
   * @param {import('./loads').Loads} loads
   */
  constructor(parts, coordinator, loads) {
    this.#it = parts
    this.#coordinator = coordinator
    this.#loads = loads
  }

  /**
   * Stores a value. Calls for the id wait for the outcome, as for a load.
   * @param {Id} id
   * @param {unknown} value
   * @param {number | undefined} ttl
   */
  async set(id, value, ttl) {
    const { codec, counts, held, link, name, values } = this.#it
    const bytes = encodeOwn(codec, id, value)
    const key = held.keyOf(id)
    const lifetime = this.#loads.lifetimeOf(ttl)
    const release = link.hold()
    try {
      held.drop(key)
      const body = await values.pack(bytes)
      if (body !== undefined)
        return await this.#fill(id, value, (...flight) => this.#put(...flight, key, bytes, body, lifetime))
      counts.oversized++
      await link.delete(name, [key])
      // The value stays in this process.
      await this.#fill(id, value, async (_flight, context) => {
        context.ttl = lifetime.fresh
      })
    } catch (error) {
      link.owe(name, key)
      throw this.#failed(error, id)
    } finally {
      release()
    }
  }

  /**
   * Makes a value the copy of this process once a change has succeeded, unless a message about the id comes first. Calls for the id wait.
   * @param {Id} id
   * @param {unknown} value
   * @param {(flight: Flight, context: import('./loads').Context) => Promise<void>} change
   */
  async #fill(id, value, change) {
    const { bare, held } = this.#it
    /** @type {{ error: unknown } | undefined} */
    let failure
    const load = async (/** @type {Id} */ _id, /** @type {any} */ context) => {
      try {
        await change(flight, context)
        return value
      } catch (error) {
        failure = { error }
        return ABSENT
      }
    }
    const found = this.#coordinator.refresh(id, load)
    const flight = found.leads ? found.flight : bare.open(id, 'lookup')
    const outcome = flight.join(undefined)
    if (found.leads) flight.load(load, undefined, load)
    else bare.begin(flight, load, undefined, load)
    // Rejects at a time limit, or when the cache is closed.
    await outcome
    // Another flight may keep an older copy.
    if (!found.leads) held.drop(held.keyOf(id))
    if (failure !== undefined) throw failure.error
  }

  /**
   * @param {Flight} flight
   * @param {import('./loads').Context} context
   * @param {string} key
   * @param {Uint8Array} bytes
   * @param {import('./rules').Body} body
   * @param {import('./rules').Lifetime} lifetime
   */
  async #put(flight, context, key, bytes, body, lifetime) {
    const { link, name, writing } = this.#it
    const version = link.tokens.next()
    const sentAt = timing.now()
    writing.add(version)
    try {
      const reply = await link.call((engine, notAfter) => engine.put(name, key, { version, body, lifetime, notAfter }))
      if (reply === 'late') throw tierError('has received the value too late', undefined)
      link.written(name, key)
      const left = lifetime.fresh - (timing.now() - sentAt)
      if (left > 0) context.ttl = left
      else context.store = false
      flight.encoded = copyOf(version, bytes)
      flight.refresh = lifetime.refresh
    } catch (error) {
      // The tier may execute commands of a connection that has ended. After this delay, it refuses the value.
      await delay(sentAt + link.timeout - timing.now())
      throw error
    } finally {
      writing.delete(version)
    }
  }

  /**
   * Deletes ids. Returns whether the tier held a value of one of them.
   * @param {readonly Id[]} ids
   */
  async delete(ids) {
    const { held, link, name } = this.#it
    const keys = ids.map(id => held.keyOf(id))
    for (const key of keys) held.drop(key)
    const commands = []
    for (let from = 0; from < keys.length; from += KEYS) commands.push(link.delete(name, keys.slice(from, from + KEYS)))
    const outcomes = await Promise.allSettled(commands)
    for (const key of keys) held.drop(key)
    const failed = outcomes.find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw this.#failed(/** @type {PromiseRejectedResult} */ (failed).reason, ids[0])
    return outcomes.some(outcome => outcome.status === 'fulfilled' && outcome.value)
  }

  async clear() {
    const { held, link, name } = this.#it
    held.clear()
    try {
      await link.delete(name, undefined)
    } catch (error) {
      throw this.#failed(error, undefined)
    } finally {
      held.clear()
    }
  }

  /** Resolves when no process serves a copy older than this call. */
  everywhere() {
    return delay(this.#it.link.maxStale * CLOCK_ERROR)
  }

  /**
   * Counts and reports a change that the tier has not acknowledged. Returns its error.
   * @param {unknown} error
   * @param {Id | undefined} id
   */
  #failed(error, id) {
    const { counts, link, name, onError } = this.#it
    counts.failed(error)
    onError(/** @type {Error} */ (error))
    if (changes.hasSubscribers) changes.publish({ event: 'debt', cache: name, id, error, debts: link.debts })
    return error
  }
}

/** @param {number} millis */
function delay(millis) {
  if (millis <= 0) return Promise.resolve()
  return new Promise(resolve => timing.setTimeout(() => resolve(undefined), millis))
}

module.exports = { Writes }
