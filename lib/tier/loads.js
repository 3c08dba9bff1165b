'use strict'

// Loads through a tier: a flight asks the tier before it calls the loader, and stores the loaded value there. A flight is registered in
// this process before it asks, so that a message that overtakes the reply makes the flight outdated.

const { decodeError, encodeError } = require('../internal/error-codec')
const { ABSENT } = require('../cache/flight')
const { checkedSettings } = require('../cache/load-coordinator')
const { currentScope } = require('../cache/loader-scope')
const { decode } = require('../cache/codec')
const { bytesOf, copyOf, encodeOwn, versionOf } = require('./copies')
const { changes } = require('./events')
const { tierError } = require('./errors')
const { timing } = require('./timing')

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('../cache/flight').Flight} Flight
 * @typedef {import('./rules').Body} Body
 * @typedef {import('./rules').Served} Served
 * @typedef {import('./rules').TakeReply} TakeReply
 * @typedef {import('./records').Mode} Mode
 * @typedef {import('./parts').Parts} Parts
 *
 * Context of a loader, as the user sees it.
 * @typedef {import('../cache/flight').Settings & { previous: unknown, signal: AbortSignal }} Context
 * @typedef {(id: Id, context: any) => any} Loader
 *
 * A load: `load` is the loader of the user, if there is one.
 * @typedef {{ flight: Flight, id: Id, key: string, context: Context, load: Loader | undefined }} Load
 *
 * How to ask the tier. `onAsk` is called first, and returns a function to call when the tier has answered or failed.
 * @typedef {{ mode: Mode, onAsk?: () => () => void }} How
 */

/** Maximum size of a value that is passed to waiting callers although it is not stored, in bytes. */
const PASSED = 64 << 10
/** Number of unreadable values after which a load asks the tier again; the next one makes it run here. */
const UNREADABLE = 2
/** Minimum time between lookups of a copy that another process reloads, in milliseconds. */
const PAUSE = 100

const ignore = () => {}

/** Loads of one cache. */
class Loads {
  #it
  /** Loads of this process with a lease, by its token. @type {Map<string, Flight>} */
  #leading = new Map()

  /** @param {Parts} parts */
  constructor(parts) {
    this.#it = parts
  }

  /**
   * Returns a loader that asks the tier before it calls a loader of the user.
   * @param {Loader | undefined} load
   * @param {How} how
   * @returns {Loader}
   */
  through(load, how) {
    return (id, context) => {
      const flight = /** @type {Flight} */ (currentScope())
      return this.#load({ flight, id, key: this.#it.held.keyOf(id), context, load }, how)
    }
  }

  /**
   * @param {Load} it
   * @param {How} how
   * @returns {Promise<unknown>}
   */
  async #load(it, { mode, onAsk = () => ignore }) {
    const { link, records, waits } = this.#it
    const { key, context } = it
    const onAnswer = onAsk()
    const release = link.hold()
    const wait = waits.open(key)
    try {
      for (let unreadable = 0, hasLost = false; ; ) {
        wait.reset()
        const token = link.tokens.next()
        const sentAt = timing.now()
        /** @type {unknown} */
        let failure
        const reply = await records.take(key, token, mode, knownVersion(it.flight)).catch(error => {
          failure = error
        })
        if (reply === undefined && link.isJoining && !hasLost) {
          hasLost = true
          continue
        }
        onAnswer()
        if (reply === undefined) return await this.alone(it, failure)
        const outcome = await this.#answer(it, reply, { token, sentAt, wait })
        if (outcome !== undefined) return outcome.value
        // After repeated unreadable values, loads here.
        if (reply.kind === 'value' && ++unreadable > UNREADABLE) return await this.alone(it, undefined)
        if (context.signal.aborted) throw context.signal.reason
      }
    } finally {
      wait.close()
      release()
    }
  }

  /**
   * Acts on a reply of the tier. Returns `undefined` if the tier must be asked again.
   * @param {Load} it
   * @param {TakeReply} reply
   * @param {{ token: string, sentAt: number, wait: ReturnType<import('./waits').Waits['open']> }} asked
   * @returns {Promise<{ value: unknown } | undefined>}
   */
  async #answer(it, reply, { token, sentAt, wait }) {
    const { counts, times } = this.#it
    const { context } = it
    counts.tookRoundTrip(timing.now() - sentAt)
    if (reply.kind === 'value') counts.hits++
    else counts.misses++
    switch (reply.kind) {
      case 'value':
        return this.#serve(it, reply, token, sentAt)
      case 'lead':
        return { value: await this.#lead(it, token) }
      case 'mine':
      case 'busy': {
        const other = reply.kind === 'mine' ? this.#leading.get(reply.token) : undefined
        if (other !== undefined) return { value: await joined(other, context) }
        counts.waits++
        return this.#onMessage(it, await wait.next(reply.kind === 'busy' ? reply.left : times.lease, context.signal))
      }
      case 'error':
        throw decodeError(Buffer.from(reply.body.bytes))
      case 'local':
        return { value: await this.#call(it) }
      case 'absent':
        return { value: ABSENT }
      default:
        return { value: await this.alone(it, undefined) }
    }
  }

  /**
   * Loads without the tier. The value may be served here for `maxStale` after the load began, so that it is not older than a copy may be.
   * @param {Load} it
   * @param {unknown} reason error of the tier, if it failed
   */
  async alone(it, reason) {
    const { counts, whenDown } = this.#it
    if (reason !== undefined) counts.failed(reason)
    if (whenDown === 'fail') throw reason ?? tierError('has granted no lease', undefined)
    const began = timing.now()
    const value = await this.#call(it)
    if (value !== ABSENT) this.#keepShortly(it, began)
    return value
  }

  /** Calls the loader of the user. @param {Load} it */
  #call({ id, context, load }) {
    if (load === undefined) return ABSENT
    this.#it.counts.loads++
    return load(id, context)
  }

  /**
   * Lets a value be served here for `maxStale` after its load began.
   * @param {Load} it
   * @param {number} began
   */
  #keepShortly({ context }, began) {
    const { link, times, whenDown } = this.#it
    const { ttl = times.ttl } = checkedSettings(context)
    const left = link.maxStale - (timing.now() - began)
    if (whenDown !== 'local' || left <= 0) context.store = false
    else context.ttl = Math.min(left, ttl)
  }

  /**
   * Serves a value of the tier, and reloads it if this process has the lease. Returns `undefined` if the value cannot be read.
   * @param {Load} it
   * @param {Served} reply
   * @param {string} token
   * @param {number} sentAt
   * @returns {Promise<{ value: unknown } | undefined>}
   */
  async #serve(it, reply, token, sentAt) {
    const { counts, records, times } = this.#it
    const { flight, id, key, context } = it
    let copy
    let value
    try {
      copy = reply.body === undefined ? knownCopy(flight) : copyOf(reply.version, await this.#unpack(reply.body))
      value = decode(this.#it.codec, id, bytesOf(copy))
    } catch {
      counts.undecodable++
      await records.dropVersion(key, reply.version)
      if (reply.leads) records.giveBack(key, token)
      return undefined
    }
    if (reply.leads && (!reply.isUsable || flight.isBackground)) {
      context.previous = value
      const staleUntil = sentAt + reply.fresh
      const isStale = () => timing.now() >= staleUntil && timing.now() < staleUntil + times.servesOnError
      return { value: await this.#lead(it, token, { value, isStale }) }
    }
    if (reply.leads) this.#reload(it, token, value)
    const age = timing.now() - sentAt
    if (reply.fresh <= age) context.store = false
    else context.ttl = reply.fresh - age
    flight.encoded = copy
    flight.refresh = Math.max(reply.refresh - age, PAUSE)
    return { value }
  }

  /**
   * Calls the loader with the lease of the tier, and stores the value there.
   * @param {Load} it
   * @param {string} token
   * @param {{ value: unknown, isStale(): boolean }} [previous] value to serve if it is stale when the load fails
   */
  async #lead(it, token, previous) {
    const { counts, records, times } = this.#it
    const { flight, key, context } = it
    if (context.signal.aborted) {
      records.giveBack(key, token)
      throw context.signal.reason
    }
    counts.leads++
    this.#leading.set(token, flight)
    const end = records.hold(key, token, context.signal)
    try {
      const began = timing.now()
      const value = await this.#call(it)
      if (context.signal.aborted) return value
      if (value === ABSENT) records.giveBack(key, token)
      else await this.#store(it, token, began, value)
      return value
    } catch (error) {
      if (context.signal.aborted) throw error
      await records.finish(key, token, 'error', bodyOf(encodeError(error)), times.error)
      if (previous?.isStale() !== true) throw error
      context.store = false
      return previous.value
    } finally {
      this.#leading.delete(token)
      end()
    }
  }

  /**
   * Stores a loaded value in the tier, and decides how long it is kept here.
   * @param {Load} it
   * @param {string} token
   * @param {number} began
   * @param {unknown} value
   */
  async #store(it, token, began, value) {
    const { link, name, codec, records, values, counts, writing } = this.#it
    const { flight, id, key, context } = it
    const { store: isKept, ttl } = checkedSettings(context)
    const bytes = encodeOwn(codec, id, value)
    const body = await values.pack(bytes)
    const lifetime = this.lifetimeOf(ttl)
    if (!isKept || lifetime.keep === 0) {
      const isPassed = body !== undefined && body.bytes.byteLength <= PASSED
      return records.finish(key, token, 'unshared', isPassed ? body : undefined, 0)
    }
    if (body === undefined) {
      counts.oversized++
      return records.finish(key, token, 'local', undefined, lifetime.fresh)
    }
    const sentAt = timing.now()
    // Ignores the message about this store if this flight keeps the copy.
    if (flight.flightId !== 0) writing.add(token)
    try {
      const reply = await link.call(engine => engine.store(name, key, { token, body, lifetime }))
      const left = lifetime.fresh - (timing.now() - sentAt)
      if (reply === 'denied') this.#onDenied(it)
      else if (left > 0) context.ttl = left
      else context.store = false
      flight.encoded = copyOf(token, bytes)
      flight.refresh = lifetime.refresh
    } catch (error) {
      counts.failed(error)
      this.#keepShortly(it, began)
    } finally {
      writing.delete(token)
    }
  }

  /** @param {Load} it */
  #onDenied({ id, context }) {
    this.#it.counts.denied++
    context.store = false
    if (changes.hasSubscribers) changes.publish({ event: 'denied', cache: this.#it.name, id })
  }

  /** Returns the times of a value to be stored. @param {number | undefined} own ttl of the value */
  lifetimeOf(own) {
    const { ttl, jitter, refresh, revalidates, servesOnError } = this.#it.times
    const factor = 1 - jitter * timing.random()
    const fresh = (own ?? ttl) * factor
    return { refresh: Math.min(refresh * factor, fresh), fresh, keep: fresh + Math.max(revalidates, servesOnError) }
  }

  /**
   * Reloads a value in the background.
   * @param {Load} it
   * @param {string} token
   * @param {unknown} previous
   */
  #reload({ id, key, load }, token, previous) {
    const { bare } = this.#it
    const flight = bare.open(id, 'background')
    flight.join(undefined).catch(ignore)
    bare.begin(flight, (id, context) => this.#lead({ flight, id, key, context, load }, token), previous, this.#lead)
  }

  /**
   * Acts on a message about a load of another process. Returns `undefined` if the tier must be asked again.
   * @param {Load} it
   * @param {import('./rules').Message | undefined} message
   */
  async #onMessage(it, message) {
    if (message?.kind === 'failed')
      return { value: await this.#fallback(it, decodeError(Buffer.from(message.body.bytes))) }
    if (message?.kind !== 'passed') return undefined
    it.context.store = false
    return { value: await this.#decode(it.id, message.body) }
  }

  /**
   * Returns the stored value if it may be served in place of the error of a load in another process; otherwise throws the error.
   * @param {Load} it
   * @param {unknown} error
   */
  async #fallback({ id, key, context }, error) {
    const { times, link, records } = this.#it
    context.store = false
    if (times.servesOnError === 0) throw error
    const reply = await records.take(key, link.tokens.next(), 'fallback', '').catch(() => undefined)
    if (reply?.kind !== 'value') throw error
    return this.#decode(id, /** @type {Body} */ (reply.body))
  }

  /** @param {Body} body */
  async #unpack(body) {
    return this.#it.values.unpack(body)
  }

  /**
   * @param {Id} id
   * @param {Body} body
   */
  async #decode(id, body) {
    const bytes = await this.#unpack(body)
    return decode(this.#it.codec, id, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }
}

/** @param {Flight} flight */
function knownVersion({ previousBytes }) {
  return previousBytes === undefined ? '' : versionOf(previousBytes)
}

/** Returns the copy whose version the tier has confirmed. @param {Flight} flight */
function knownCopy({ previousBytes }) {
  return /** @type {Buffer} */ (previousBytes)
}

/**
 * Waits for a load that this process already runs.
 * @param {Flight} flight
 * @param {Context} context of the caller
 */
async function joined(flight, context) {
  flight.checkNotInside()
  context.store = false
  const value = await flight.join(context.signal)
  return flight.isAbsent ? ABSENT : value
}

/**
 * @param {Uint8Array} bytes of an error
 * @returns {Body}
 */
function bodyOf(bytes) {
  return { codec: 'e', compression: '-', bytes }
}

module.exports = { Loads }
