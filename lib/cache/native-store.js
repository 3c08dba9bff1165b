'use strict'

const native = require('../native')
const { lengthOf } = require('../internal/typed-array')
const { clock } = require('./clock')
const { decode, encode } = require('./codec')
const { NearCache } = require('./near-cache')
const { Failures } = require('./failures')
const { resolved } = require('../internal/deferred')
const { decodeError, tryEncodeError } = require('../internal/error-codec')
const { NativeEvictions } = require('./native-evictions')
const { closeCache, openCache } = require('./open')
const { atLeastOne, checkLimits, checkStorable, checkWeight, closedError } = require('./options')

const { Kind, Flight: FlightId, Evictions } = native.AnswerWord
const { Hit, Lead, Failing } = native.AnswerKind

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./near-cache').NearEntry} NearEntry
 * @typedef {import('./flight').Answer} Answer
 * @typedef {import('./flight').Flight} Flight
 * @typedef {import('./flight').FlightOwner} FlightOwner
 * @typedef {import('./flight').Loader} Loader
 */

/** Maximum number of uses reported to native code together. */
const MAX_USES = 4096
/** Stands for the time that is an option of the cache. */
const DEFAULT = -1

/** The words of the latest answer (AnswerWord). Read them before calling anything else. */
const out = new Float64Array(native.ANSWER_WORDS)
/** Receives the bytes of values that fit: a Buffer for each would cost the garbage collector more than the value does. */
const scratch = Buffer.allocUnsafeSlow(64 << 10)

/** Returns the bytes of an answer. Read them before calling anything else. @param {Buffer | number | null} answered */
function bytesOf(answered) {
  return typeof answered === 'number' ? scratch.subarray(0, answered) : answered
}

/** The entries of a cache as bytes in native code, with decoded copies of some in JavaScript. */
class NativeStore {
  #resources
  #handle
  #name
  #weigh
  #codec
  /** The shared scratch, unless decoded values may refer to the bytes. @type {Buffer | undefined} */
  #scratch
  #near
  #evictions
  /** Slots of used entries, oldest first, not yet reported to native code. */
  #uses = new Uint32Array(MAX_USES)
  #useCount = 0
  #isClosed = false
  /** Flights that callers join without native code, by id. Empty for a named cache. @type {Map<Id, Flight>} */
  #joinable = new Map()
  /** Number of callers that joined a flight without native code. */
  #coalesced = 0
  #keepsErrors
  #keepsPrevious
  /** Errors for which native code keeps the times. Empty for a named cache, whose errors native code keeps. */
  #errors = new Failures()

  /**
   * Receives messages about flights that are shared with other threads.
   * @type {(kind: number, flightId: number, bytes: Buffer | undefined) => void}
   */
  onMessage = () => {}

  /** @param {ReturnType<typeof import('./options').readOptions>} options */
  constructor(options) {
    const { resources, codec, loadTimeout } = openCache(options, this)
    this.#resources = resources
    this.#handle = resources.handle
    this.#codec = codec
    this.loadTimeout = loadTimeout
    this.#name = options.name
    this.#keepsErrors = options.name === undefined && (options.native.errorTtl ?? 0) > 0
    this.#keepsPrevious = options.keepsPrevious
    this.#weigh = options.weigh
    this.#scratch = this.#codec.copies ? scratch : undefined
    this.#near = new NearCache(native.cacheVersions(this.#handle))
    this.#evictions = new NativeEvictions(this.#handle, options.onEvict, options.name, (id, bytes) =>
      this.decode(id, bytes)
    )
  }

  get size() {
    return native.cacheSize(this.#handle)
  }

  get bytes() {
    return native.cacheBytes(this.#handle)
  }

  /** Time until which copies may be served without a call to native code. */
  set validUntil(/** @type {number} */ time) {
    this.#near.validUntil = time
  }

  /** Returns a promise of a value that can be served without a call to native code, and counts a use. @param {Id} id */
  getResolved(id) {
    const entry = this.getNear(id)
    if (entry === undefined) return undefined
    entry.promise ??= resolved(entry.value)
    return entry.promise
  }

  /** Returns an entry that can be served without a call to native code, and counts a use. @param {Id} id */
  getNear(id) {
    const entry = this.#near.getIfNotDue(id)
    if (entry === undefined) return undefined
    this.#uses[this.#useCount++] = entry.slot
    if (this.#useCount === MAX_USES) this.flushUses()
    return entry
  }

  /**
   * Returns an entry, and joins the flight that loads or reloads it.
   * @param {Id} id
   * @param {FlightOwner} owner joins the flight before the codec runs: user code, which may request the same id
   * @param {Loader} load
   * @returns {Answer}
   */
  lookUp(id, owner, load) {
    const joinable = this.#joinable.get(id)
    if (joinable !== undefined) {
      joinable.checkNotInside()
      this.#coalesced++
      return { entry: undefined, flight: joinable, leads: false, previous: undefined }
    }
    // Earlier uses are recorded before this one.
    const useCount = this.#useCount
    this.#useCount = 0
    const bytes = bytesOf(native.cacheGet(this.#handle, id, clock.now(), this.#uses, useCount, this.#scratch, out))
    if (out[Kind] !== Hit) return this.#joinFlight(id, bytes, owner, load, 'lookup')
    const flightId = out[FlightId]
    const flight = flightId === 0 ? undefined : owner.join(id, flightId, true, load, 'background')
    if (flight !== undefined) this.#keepPrevious(flight, bytes)
    try {
      const entry = this.#keepNear(id, bytes)
      return { entry, flight, leads: flight !== undefined, previous: entry.value }
    } catch (error) {
      if (flight !== undefined) owner.abandon(flight, error)
      throw error
    }
  }

  /**
   * Joins the flight that reloads an id.
   * @param {Id} id
   * @param {FlightOwner} owner
   * @param {Loader} load
   * @returns {Answer & { flight: Flight }}
   */
  refresh(id, owner, load) {
    const bytes = bytesOf(native.cacheRefresh(this.#handle, id, clock.now(), this.#scratch, out))
    return /** @type {any} */ (this.#joinFlight(id, bytes, owner, load, 'refresh'))
  }

  /**
   * Joins the flight in the latest answer, if there is one.
   * @param {Id} id
   * @param {Buffer | null} bytes of the previous value, or of an error
   * @param {FlightOwner} owner
   * @param {Loader} load
   * @param {import('./flight').Role} role
   * @returns {Answer}
   */
  #joinFlight(id, bytes, owner, load, role) {
    const flightId = out[FlightId]
    const leads = out[Kind] === Lead
    if (out[Kind] === Failing) return this.#failOrReload(id, bytes, owner, load)
    this.#collectEvictions()
    const flight = owner.join(id, flightId, leads, load, role)
    if (leads && role === 'lookup' && this.#name === undefined) this.#joinable.set(id, flight)
    if (leads) this.#keepPrevious(flight, bytes)
    const previous = leads && bytes !== null ? this.#decodePrevious(id, bytes) : undefined
    return { entry: undefined, flight, leads, previous }
  }

  /** Copies the bytes of the last known value for a loader that needs them. @type {(flight: Flight, bytes: Buffer | null) => void} */
  #keepPrevious(flight, bytes) {
    if (this.#keepsPrevious && bytes !== null) flight.previousBytes = Buffer.from(bytes)
  }

  /**
   * Throws the kept error of the last load, or reloads the id if the error is no longer kept.
   * @param {Id} id
   * @param {Buffer | null} bytes encoded error of a named cache
   * @param {FlightOwner} owner
   * @param {Loader} load
   * @returns {Answer}
   */
  #failOrReload(id, bytes, owner, load) {
    const failure = bytes === null ? this.#errors.find(id, 0) : { error: decodeError(Buffer.from(bytes)) }
    this.#collectEvictions()
    if (failure !== undefined) throw failure.error
    return this.refresh(id, owner, load)
  }

  /** Returns a fresh value. @param {Id} id */
  peek(id) {
    return (this.#near.get(id) ?? this.#lookUpFresh(id, false))?.value
  }

  /** Returns a fresh entry, for a caller that cannot load, and counts a use. @param {Id} id */
  find(id) {
    this.flushUses()
    return this.#lookUpFresh(id, true)
  }

  /** @param {Id} id */
  has(id) {
    if (this.#near.get(id) !== undefined) return true
    native.cacheHas(this.#handle, id, clock.now(), out)
    const has = out[Kind] === Hit
    this.#collectEvictions()
    this.drainExcessEvictions()
    return has
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {number | undefined} ttl
   */
  set(id, value, ttl) {
    const { bytes, weight } = this.encode(id, value)
    this.#checkOpen()
    this.#near.delete(id)
    const now = clock.now()
    native.cacheSet(this.#handle, id, bytes, weight, ttl ?? DEFAULT, now, this.#uses, this.#useCount, out)
    this.#useCount = 0
    this.#collectEvictions()
    this.#forget(id)
  }

  /**
   * Encodes and weighs a value. Throws if it cannot be stored.
   * @param {Id} id
   * @param {unknown} value
   * @param {Uint8Array} [known] its bytes
   */
  encode(id, value, known) {
    checkStorable(id, value)
    const bytes = known ?? encode(this.#codec, id, value)
    const weight = this.#weigh === undefined ? atLeastOne(lengthOf(bytes)) : checkWeight(this.#weigh(value, id), id)
    checkStorable(id, bytes)
    return { bytes, weight }
  }

  /** @type {(id: Id, bytes: Buffer) => any} */
  decode(id, bytes) {
    return decode(this.#codec, id, bytes)
  }

  /**
   * Ends a load, and stores its value if there is a `weight`.
   * @param {Flight} flight
   * @param {unknown} _value
   * @param {Uint8Array | undefined} bytes
   * @param {number | undefined} weight
   * @param {number | undefined} ttl
   * @param {number | undefined} refresh time until the value is due for a reload, by default that of the cache
   */
  complete(flight, _value, bytes, weight, ttl = DEFAULT, refresh = DEFAULT) {
    this.flushUses()
    const now = clock.now()
    const keeps = weight !== undefined
    const took = now - flight.startedAt
    native.cacheComplete(this.#handle, flight.flightId, bytes, keeps, weight ?? 0, ttl, refresh, took, now, out)
    this.#collectEvictions()
    this.#remove(flight)
  }

  /**
   * Ends a failed load. Returns the value to serve in place of the error, if there is one.
   * @param {Flight} flight
   * @param {unknown} error
   * @returns {{ value: unknown } | undefined}
   */
  fail(flight, error) {
    if (this.#isClosed) return undefined
    this.#remove(flight)
    const { id, flightId, startedAt } = flight
    const now = clock.now()
    // For waiters in other threads.
    const encoded = this.#name === undefined ? undefined : tryEncodeError(error)
    const bytes = native.cacheFail(this.#handle, flightId, encoded, now - startedAt, now, out)
    if (out[FlightId] !== 0 && this.#keepsErrors) this.#errors.add(id, error, Infinity)
    if (bytes === null) return undefined
    try {
      return { value: this.decode(id, bytes) }
    } catch {
      // The error of the load is more useful than that of the codec.
      return undefined
    }
  }

  /** Makes the next caller of an id start another load. @param {Id} id */
  #forget(id) {
    if (this.#joinable.size > 0) this.#joinable.delete(id)
    this.#errors.delete(id)
  }

  /** @param {Flight} flight */
  #remove(flight) {
    if (this.#joinable.get(flight.id) === flight) this.#joinable.delete(flight.id)
  }

  /**
   * Leaves a flight for which no caller waits here. Returns whether its load here may stop.
   * @param {Flight} flight
   * @param {boolean} isLoading whether it loads here
   */
  leave(flight, isLoading) {
    const isOwn = this.#isClosed || flight.flightId === 0
    const mayStop = isOwn || native.cacheLeave(this.#handle, flight.flightId, isLoading)
    if (!isLoading || mayStop) this.#remove(flight)
    return mayStop
  }

  /** Gives up a flight that loads in another thread. @param {Flight} flight */
  giveUp(flight) {
    native.cacheGiveUp(this.#handle, flight.flightId)
  }

  /** @param {Id} id */
  delete(id) {
    this.#near.delete(id)
    this.#forget(id)
    const deleted = native.cacheDelete(this.#handle, id, clock.now(), out)
    this.#collectEvictions()
    return deleted
  }

  clear() {
    this.flushUses()
    this.#joinable.clear()
    this.#errors.clear()
    native.cacheClear(this.#handle)
    this.#near.clear()
    this.#evictions.add(0)
  }

  /** @param {{ max: number | undefined, maxBytes: number | undefined }} limits */
  resize(limits) {
    checkLimits('limits', limits, false, this.#weigh)
    this.flushUses()
    native.cacheResize(this.#handle, limits.max, limits.maxBytes, clock.now(), out)
    this.#collectEvictions()
  }

  stats() {
    this.flushUses()
    const stats = native.cacheStats(this.#handle)
    // Native code has not counted these callers.
    stats.misses += this.#coalesced
    stats.coalesced += this.#coalesced
    return stats
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    this.flushUses()
    return this.#decoded(native.cacheEntries(this.#handle, clock.now()))
  }

  /** Returns the ids of the entries, in the order of `entries()`. @returns {IterableIterator<any>} */
  keys() {
    this.flushUses()
    return native.cacheKeys(this.#handle, clock.now())[Symbol.iterator]()
  }

  /** Returns no flights: the coordinator finds those of native code by id. @returns {Flight[]} */
  close() {
    this.flushUses()
    this.#evictions.close()
    closeCache(this.#resources, this)
    this.#isClosed = true
    this.#joinable.clear()
    this.#errors.clear()
    this.#near.clear()
    return []
  }

  /** Reports the oldest evictions now if too many wait. Call it last: `onEvict` may call the cache. */
  drainExcessEvictions() {
    this.#evictions.drainExcess()
  }

  flushUses() {
    if (this.#useCount === 0) return
    const useCount = this.#useCount
    this.#useCount = 0
    native.cacheTouch(this.#handle, this.#uses, useCount)
  }

  /** Looks a fresh entry up in native code. @type {(id: Id, counts: boolean) => NearEntry | undefined} */
  #lookUpFresh(id, counts) {
    const bytes = bytesOf(native.cachePeek(this.#handle, id, clock.now(), counts, this.#scratch, out))
    if (out[Kind] === Hit) return this.#keepNear(id, bytes)
    this.#collectEvictions()
    this.drainExcessEvictions()
    return undefined
  }

  /** Decodes the value of the latest answer. @type {(id: Id, bytes: Buffer | null) => NearEntry} */
  #keepNear(id, bytes) {
    const [, slot, version, , refresh, fresh] = out
    const encoded = /** @type {Buffer} */ (bytes)
    const size = encoded.length
    const value = this.decode(id, encoded)
    this.#checkOpen()
    const entry = { id, slot, value, promise: undefined, refresh, fresh, version, size }
    this.#near.put(entry)
    return entry
  }

  /** Returns `undefined` if the bytes cannot be decoded. @type {(id: Id, bytes: Buffer) => unknown} */
  #decodePrevious(id, bytes) {
    let previous
    try {
      previous = this.decode(id, bytes)
    } catch {}
    this.#checkOpen()
    return previous
  }

  /** Throws if the cache is closed. Call this after user code, which may close it. */
  #checkOpen() {
    if (this.#isClosed) throw closedError()
  }

  /** Queues the evictions that the latest answer reports. */
  #collectEvictions() {
    if (out[Evictions] > 0) this.#evictions.add(out[Evictions])
  }

  /** Yields ids and decoded values. @type {(list: any[]) => IterableIterator<[any, any]>} */
  *#decoded(list) {
    for (let index = 0; index < list.length; index += 2) yield [list[index], this.decode(list[index], list[index + 1])]
  }
}

module.exports = { NativeStore }
