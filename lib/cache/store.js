'use strict'

const native = require('../native')
const { lengthOf } = require('../internal/typed-array')
const { clock } = require('./clock')
const { decode, encode } = require('./codec')
const { NearCache, nearEntry, deletions } = require('./near-cache')
const { Evictions } = require('./evictions')
const { openCache, release } = require('./open')
const { checkBounded, checkLimits, checkStorable, checkWeight, closedError } = require('./options')

const { Kind, Slot, Flight: FlightId, RefreshAt, FreshUntil, EvictedSlot, EvictionReason } = native.AnswerWord
const { Hit, Lead, Stored, Failing } = native.AnswerKind

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
const NO_TTL = -1
/** Maximum number of evictions fetched from native code together. */
const EVICTIONS_PER_CALL = 64

/** The words of the latest answer (AnswerWord). Read them before calling anything else. */
const out = new Float64Array(native.ANSWER_WORDS)
/** Receives the bytes of values that fit: a Buffer for each would cost the garbage collector more than the value does. */
const scratch = Buffer.allocUnsafeSlow(64 << 10)

/** Returns the bytes of an answer. Read them before calling anything else. @param {Buffer | number | null} answered */
function bytesOf(answered) {
  return typeof answered === 'number' ? scratch.subarray(0, answered) : answered
}

/** Closes a cache that was garbage-collected without being closed. */
const registry = new FinalizationRegistry(release)

/** The entries of a cache, in native code and in JavaScript. */
class Store {
  #resources
  #handle
  #isHeap
  #weigh
  #codec
  /** The shared scratch, unless decoded values may refer to the bytes. @type {Buffer | undefined} */
  #scratch
  #near
  #evictions
  /** Slots of used entries, oldest first, not yet reported to native code. */
  #uses = new Uint32Array(MAX_USES)
  #useCount = 0
  /** Whether evictions of native storage are being reported. */
  #isDrainingNative = false
  /** Number of evictions that native code keeps. */
  #pendingNative = 0
  #isClosed = false

  /**
   * Receives messages about flights that are shared with other threads.
   * @type {(kind: number, flightId: number, bytes: Buffer | undefined) => void}
   */
  onMessage = () => {}

  /** @param {ReturnType<typeof import('./options').readOptions>} options */
  constructor(options) {
    const self = new WeakRef(this)
    const onMessage = (/** @type {[any, any, any]} */ ...message) => self.deref()?.onMessage(...message)
    const { resources, codec, loadTimeout } = openCache(options, onMessage)
    this.#resources = resources
    this.#handle = resources.handle
    this.#codec = codec
    this.loadTimeout = loadTimeout
    registry.register(this, this.#resources, this)
    this.#isHeap = options.isHeap
    this.#weigh = options.weigh
    this.#scratch = this.#codec.copies ? scratch : undefined
    this.#near = new NearCache(options.isHeap, options.isHeap ? null : native.cacheVersions(this.#handle))
    this.#evictions = new Evictions(options.onEvict)
  }

  get size() {
    return native.cacheSize(this.#handle)
  }

  get bytes() {
    return native.cacheBytes(this.#handle)
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
    // Earlier uses are recorded before this one.
    const useCount = this.#useCount
    this.#useCount = 0
    const bytes = bytesOf(native.cacheGet(this.#handle, id, clock.now(), this.#uses, useCount, this.#scratch, out))
    if (out[Kind] !== Hit) return this.#joinFlight(id, bytes, owner, load, 'lookup')
    const flightId = out[FlightId]
    const flight = flightId === 0 ? undefined : owner.join(id, flightId, true, load, 'background')
    try {
      const entry = this.#isHeap ? this.#near.atSlot(out[Slot]) : this.#keepNear(id, bytes)
      return { entry, flight, leads: flight !== undefined, previous: entry.value, failing: undefined }
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
   * @param {Buffer | null} bytes of the previous value in native storage, or of an error
   * @param {FlightOwner} owner
   * @param {Loader} load
   * @param {import('./flight').Role} role
   * @returns {Answer}
   */
  #joinFlight(id, bytes, owner, load, role) {
    const flightId = out[FlightId]
    const leads = out[Kind] === Lead
    const failing = out[Kind] === Failing ? { bytes: bytes && Buffer.from(bytes) } : undefined
    const isKnown = leads && out[Slot] !== native.NO_SLOT
    const stale = isKnown && this.#isHeap ? this.#near.getStale(id)?.value : undefined
    this.#collectEvictions()
    const flight = flightId === 0 ? undefined : owner.join(id, flightId, leads, load, role)
    const previous = isKnown && !this.#isHeap ? this.#decodePrevious(id, bytes) : stale
    return { entry: undefined, flight, leads, previous, failing }
  }

  /** Returns a fresh entry. @param {Id} id */
  peek(id) {
    const entry = this.#near.get(id)
    if (entry !== undefined || this.#isMissing(id)) return entry
    return this.#lookUpFresh(id, false)
  }

  /** Returns a fresh entry, for a caller that cannot load, and counts a use. @param {Id} id */
  find(id) {
    this.flushUses()
    return this.#lookUpFresh(id, true)
  }

  /** @param {Id} id */
  has(id) {
    if (this.#near.get(id) !== undefined) return true
    if (this.#isMissing(id)) return false
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
    this.flushUses()
    if (!this.#isHeap) this.#near.delete(id)
    native.cacheSet(this.#handle, id, bytes, weight, ttl ?? NO_TTL, clock.now(), out)
    this.#onStored(id, value)
  }

  /**
   * Encodes and weighs a value. Throws if it cannot be stored.
   * @param {Id} id
   * @param {unknown} value
   */
  encode(id, value) {
    checkStorable(id, value)
    const bytes = this.#isHeap ? undefined : encode(this.#codec, id, value)
    let weight = bytes === undefined ? 0 : lengthOf(bytes)
    if (this.#weigh !== undefined) weight = checkWeight(this.#weigh(value, id), id)
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
   * @param {unknown} value
   * @param {Uint8Array | undefined} bytes
   * @param {number | undefined} weight
   * @param {number | undefined} ttl
   */
  complete({ id, flightId, startedAt }, value, bytes, weight, ttl) {
    this.flushUses()
    const now = clock.now()
    const keeps = weight !== undefined
    native.cacheComplete(this.#handle, flightId, bytes, keeps, weight ?? 0, ttl ?? NO_TTL, now - startedAt, now, out)
    this.#onStored(id, value)
  }

  /**
   * Ends a failed load. Returns the value to serve in place of the error, and whether the id was not set, deleted or cleared
   * since the load began.
   * @param {Flight} flight
   * @param {Uint8Array | undefined} error for other threads
   * @returns {{ isCurrent: boolean, stale?: { value: unknown } }}
   */
  fail({ id, flightId, startedAt }, error) {
    if (this.#isClosed) return { isCurrent: false }
    const now = clock.now()
    const bytes = native.cacheFail(this.#handle, flightId, error, now - startedAt, now, out)
    const isCurrent = out[FlightId] !== 0
    if (out[Kind] !== Hit) return { isCurrent }
    if (this.#isHeap) return { isCurrent, stale: this.#near.atSlot(out[Slot]) }
    try {
      return { isCurrent, stale: { value: this.decode(id, /** @type {Buffer} */ (bytes)) } }
    } catch {
      // The error of the load is more useful than that of the codec.
      return { isCurrent }
    }
  }

  /**
   * Leaves a flight for which no caller waits here. Returns whether its load here may stop.
   * @param {number} flightId
   * @param {boolean} isLoading whether it loads here
   */
  leave(flightId, isLoading) {
    return this.#isClosed || native.cacheLeave(this.#handle, flightId, isLoading)
  }

  /** Gives up a flight that loads in another thread. @param {number} flightId */
  giveUp(flightId) {
    native.cacheGiveUp(this.#handle, flightId)
  }

  /** @param {Id} id */
  delete(id) {
    if (!this.#isHeap) this.#near.delete(id)
    const deleted = native.cacheDelete(this.#handle, id, clock.now(), out)
    this.#collectEvictions()
    return deleted
  }

  clear() {
    this.flushUses()
    const { hasListener } = this.#evictions
    native.cacheClear(this.#handle, hasListener && !this.#isHeap)
    const entries = this.#near.clear()
    if (!hasListener) return
    if (this.#isHeap) this.#evictions.add(deletions(entries))
    else this.#queueNativeEvictions(0)
  }

  /** @param {{ max: number | undefined, maxBytes: number | undefined }} limits */
  resize(limits) {
    checkBounded(limits)
    checkLimits(limits, this.#isHeap, this.#weigh)
    this.flushUses()
    native.cacheResize(this.#handle, limits.max, limits.maxBytes, clock.now(), out)
    this.#collectEvictions()
  }

  stats() {
    this.flushUses()
    return native.cacheStats(this.#handle)
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    this.flushUses()
    const list = native.cacheEntries(this.#handle, clock.now())
    return this.#isHeap ? pairs(list.map(slot => this.#near.atSlot(slot))) : this.#decoded(list)
  }

  /** Returns the ids of the entries, in the order of `entries()`. @returns {IterableIterator<any>} */
  keys() {
    this.flushUses()
    return native.cacheKeys(this.#handle, clock.now())[Symbol.iterator]()
  }

  close() {
    this.flushUses()
    if (this.#evictions.hasListener && !this.#isHeap) {
      // Reads the earlier evictions before native code frees them.
      for (const eviction of [...this.#nativeEvictions()]) this.#evictions.add(eviction)
    }
    registry.unregister(this)
    release(this.#resources)
    this.#isClosed = true
    this.#near.clear()
  }

  /** Reports the oldest evictions now if too many wait. Call it last: `onEvict` may call the cache. */
  drainExcessEvictions() {
    if (this.#evictions.hasListener) this.#evictions.drainExcess(() => this.#pendingNative)
  }

  flushUses() {
    if (this.#useCount === 0) return
    const useCount = this.#useCount
    this.#useCount = 0
    native.cacheTouch(this.#handle, this.#uses, useCount)
  }

  /** Handles the answer to a value that was passed to native code. @type {(id: Id, value: unknown) => void} */
  #onStored(id, value) {
    const isStored = out[Kind] === Stored
    const slot = out[Slot]
    const refresh = out[RefreshAt]
    const fresh = out[FreshUntil]
    this.#collectEvictions()
    if (isStored && this.#isHeap) this.#near.put(nearEntry(id, slot, value, refresh, fresh, undefined))
  }

  /** Returns true if heap storage has no entry, fresh or not. @param {Id} id */
  #isMissing(id) {
    return this.#isHeap && this.#near.getStale(id) === undefined
  }

  /** Looks a fresh entry up in native code. @type {(id: Id, counts: boolean) => NearEntry | undefined} */
  #lookUpFresh(id, counts) {
    const bytes = bytesOf(native.cachePeek(this.#handle, id, clock.now(), counts, this.#scratch, out))
    if (out[Kind] === Hit) return this.#isHeap ? this.#near.atSlot(out[Slot]) : this.#keepNear(id, bytes)
    this.#collectEvictions()
    this.drainExcessEvictions()
    return undefined
  }

  /** Decodes the value of the latest answer. @type {(id: Id, bytes: Buffer | null) => NearEntry} */
  #keepNear(id, bytes) {
    const [, slot, version, , refresh, fresh] = out
    const encoded = /** @type {Buffer} */ (bytes)
    const origin = { version, size: encoded.length }
    const value = this.decode(id, encoded)
    this.#checkOpen()
    const entry = nearEntry(id, slot, value, refresh, fresh, origin)
    this.#near.put(entry)
    return entry
  }

  /** Returns `undefined` if the bytes cannot be decoded. @type {(id: Id, bytes: Buffer | null) => unknown} */
  #decodePrevious(id, bytes) {
    let previous
    try {
      previous = bytes === null ? undefined : this.decode(id, bytes)
    } catch {}
    this.#checkOpen()
    return previous
  }

  /** Throws if the cache is closed. Call this after user code, which may close it. */
  #checkOpen() {
    if (this.#isClosed) throw closedError()
  }

  /** Takes over the evictions that the latest answer reports. */
  #collectEvictions() {
    const slot = out[EvictedSlot]
    // With native storage or FETCH, the number of evictions.
    const reason = out[EvictionReason]
    if (slot === native.NO_SLOT) return
    if (!this.#isHeap) return this.#queueNativeEvictions(reason)
    if (slot !== native.FETCH) return this.#evictSlot(slot, reason)
    const list = native.cacheEvicted(this.#handle, reason)
    for (let index = 0; index < list.length; index += 2) this.#evictSlot(list[index], list[index + 1])
  }

  /** @type {(slot: number, reason: number) => void} */
  #evictSlot(slot, reason) {
    const { id, value } = this.#near.deleteSlot(slot)
    if (this.#evictions.hasListener) this.#evictions.add({ id, value, reason })
  }

  /** Queues the evictions that native code keeps. @param {number} pending */
  #queueNativeEvictions(pending) {
    this.#pendingNative = pending
    if (this.#isDrainingNative) return
    this.#isDrainingNative = true
    this.#evictions.add(this.#nativeEvictions())
  }

  /** Yields the evictions of native storage, decoding each when it is read. */
  *#nativeEvictions() {
    for (;;) {
      const list = this.#isClosed ? [] : native.cacheEvicted(this.#handle, EVICTIONS_PER_CALL)
      this.#pendingNative = Math.max(0, this.#pendingNative - EVICTIONS_PER_CALL)
      if (list.length === 0) break
      for (let index = 0; index < list.length; index += 3) {
        const [id, bytes, reason] = list.slice(index, index + 3)
        try {
          yield { id, value: this.decode(id, bytes), reason }
        } catch (error) {
          process.emitWarning(/** @type {Error} */ (error))
        }
      }
    }
    this.#isDrainingNative = false
  }

  /** Yields ids and decoded values. @type {(list: any[]) => IterableIterator<[any, any]>} */
  *#decoded(list) {
    for (let index = 0; index < list.length; index += 2) yield [list[index], this.decode(list[index], list[index + 1])]
  }
}

/** @type {(entries: NearEntry[]) => IterableIterator<[any, any]>} */
function* pairs(entries) {
  for (const { id, value } of entries) yield [id, value]
}

module.exports = { Store }
