'use strict'

const native = require('../native')
const { lengthOf } = require('../internal/typed-array')
const { completionPort } = require('../native/completion-port')
const { out } = require('./answer')
const { clock } = require('./clock')
const { decode, encode } = require('./codec')
const { NearCache, nearEntry, deletedEntries, entryPairs } = require('./near-cache')
const { Evictions } = require('./evictions')
const { releaseCache, registry } = require('./hold')
const { checkStorable, checkWeight, checkWeighOption, closedError } = require('./options')

const { Kind, Slot, Flight: FlightId, RefreshAt, FreshUntil, EvictedSlot, EvictionReason } = native.AnswerWord
const { Hit, Lead, Stored, Failing } = native.AnswerKind

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('./near-cache').NearEntry<any>} Copy
 * @typedef {import('./flight').FlightOwner} FlightOwner
 * @typedef {import('./flight').Flight} Flight
 */

/** Uses of entries that are reported to native code at once. */
const MAX_USES = 4096
const NO_TTL = -1
/** Evictions that are fetched from native code at a time. */
const EVICTIONS_PER_CALL = 64

/** Values that fit in come here: a Buffer for each would cost the collector more than the values do. */
const scratch = Buffer.allocUnsafeSlow(64 << 10)

/** What a cache holds, on both sides of the border. */
class Store {
  #handle
  #isHeap
  #weigh
  #codec
  /** For values of which nothing is kept but what they are decoded to. @type {Buffer | undefined} */
  #scratch
  #near
  #evictions
  /** Slots of entries in the order of their use, not yet reported to native code. */
  #uses = new Uint32Array(MAX_USES)
  #useCount = 0
  /** @type {number | undefined} of a named cache */
  #subscriptionId
  /** Whether evictions of native storage are being reported. */
  #isDrainingNative = false
  /** How many evictions native code still keeps. */
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
    if (options.name !== undefined) {
      const onMessage = (/** @type {[any, any, any]} */ ...message) => self.deref()?.onMessage(...message)
      this.#subscriptionId = completionPort.subscribe({ onMessage })
    }
    try {
      this.#handle = native.openCache({ ...options.native, mailbox: this.#subscriptionId })
    } catch (error) {
      if (this.#subscriptionId !== undefined) completionPort.unsubscribe(this.#subscriptionId)
      throw error
    }
    registry.register(this, { handle: this.#handle, subscriptionId: this.#subscriptionId }, this)
    this.#isHeap = options.isHeap
    this.#weigh = options.weigh
    this.#codec = options.codec
    this.#scratch = options.codec.borrows ? scratch : undefined
    this.#near = new NearCache(options.isHeap, options.isHeap ? null : native.cacheVersions(this.#handle))
    this.#evictions = new Evictions(options.onEvict)
  }

  get size() {
    return native.cacheSize(this.#handle)
  }

  get bytes() {
    return native.cacheBytes(this.#handle)
  }

  /** Returns an entry that can be served without asking native code; this counts as a use. @param {Id} id */
  getNear(id) {
    const entry = this.#near.getIfNotDue(id)
    if (entry === undefined) return undefined
    this.#uses[this.#useCount++] = entry.slot
    if (this.#useCount === MAX_USES) this.flushUses()
    return entry
  }

  /**
   * Gives the flight to its owner before the codec runs: a codec is user code, and may ask for the same id.
   * @param {Id} id
   * @param {FlightOwner} owner
   * @param {import('./flight').Loader} load
   * @returns {import('./answer').Answer}
   */
  lookUp(id, owner, load) {
    // What is asked for may be used now: after what was used before.
    const used = this.#useCount
    this.#useCount = 0
    const bytes = this.#bytesOf(native.cacheGet(this.#handle, id, clock.now(), this.#uses, used, this.#scratch, out))
    const flightId = out[FlightId]
    if (out[Kind] === Hit) {
      const flight = flightId === 0 ? undefined : owner.join(id, flightId, true, load, 'background')
      try {
        const entry = this.#isHeap ? this.#near.atSlot(out[Slot]) : this.#keepNear(id, bytes)
        return { entry, flight, leads: flight !== undefined, previous: entry.value }
      } catch (error) {
        if (flight !== undefined) owner.abandon(flight, error)
        throw error
      }
    }
    const leads = out[Kind] === Lead
    const failing = out[Kind] === Failing ? { bytes: bytes && Buffer.from(bytes) } : undefined
    const isKnown = leads && out[Slot] !== native.NO_SLOT
    const held = isKnown && this.#isHeap ? this.#near.getStale(id)?.value : undefined
    this.#collectEvictions()
    const flight = flightId === 0 ? undefined : owner.join(id, flightId, leads, load, 'lookup')
    const previous = isKnown && !this.#isHeap ? this.#previous(id, bytes) : held
    return { entry: undefined, flight, leads, previous, failing }
  }

  /**
   * The flight that loads it anew.
   * @param {Id} id
   * @param {FlightOwner} owner
   * @param {import('./flight').Loader} load
   * @returns {{ flight: Flight, leads: boolean, previous: unknown }}
   */
  refresh(id, owner, load) {
    const bytes = this.#bytesOf(native.cacheRefresh(this.#handle, id, clock.now(), this.#scratch, out))
    const flightId = out[FlightId]
    const leads = out[Kind] === Lead
    const isKnown = leads && out[Slot] !== native.NO_SLOT
    const held = isKnown && this.#isHeap ? this.#near.getStale(id)?.value : undefined
    const flight = owner.join(id, flightId, leads, load, 'refresh')
    return { flight, leads, previous: isKnown && !this.#isHeap ? this.#previous(id, bytes) : held }
  }

  /** What is held and fresh. @param {Id} id @returns {Copy | undefined} */
  peek(id) {
    const entry = this.#near.get(id)
    if (entry !== undefined || this.#isMissing(id)) return entry
    return this.#lookUpNative(id, false)
  }

  /** The same for someone who cannot load, as a use. @param {Id} id */
  find(id) {
    this.flushUses()
    return this.#lookUpNative(id, true)
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
   * A value as it is stored. Throws if it cannot be.
   * @param {Id} id
   * @param {unknown} value
   */
  encode(id, value) {
    checkStorable(id, value)
    const bytes = this.#isHeap ? undefined : encode(this.#codec, id, value)
    const weight =
      this.#weigh === undefined ? (bytes === undefined ? 0 : lengthOf(bytes)) : checkWeight(this.#weigh(value, id), id)
    checkStorable(id, bytes)
    return { bytes, weight }
  }

  /**
   * @param {Id} id
   * @param {Buffer} bytes
   */
  decode(id, bytes) {
    return decode(this.#codec, id, bytes)
  }

  /**
   * A load has ended with a value, which is to be kept unless there is no `weight`.
   * @param {import('./flight').Flight} flight
   * @param {unknown} value
   * @param {Uint8Array | undefined} bytes
   * @param {number | undefined} weight
   * @param {number | undefined} ttl
   */
  complete({ id, flightId, startedAt }, value, bytes, weight, ttl) {
    this.flushUses()
    const now = clock.now()
    const took = now - startedAt
    native.cacheComplete(
      this.#handle,
      flightId,
      bytes,
      weight !== undefined,
      weight ?? 0,
      ttl ?? NO_TTL,
      took,
      now,
      out
    )
    this.#onStored(id, value)
  }

  /**
   * A load has failed. Returns what is to be served in place of the error, and whether nothing else was said of the id since
   * the load began.
   * @param {import('./flight').Flight} flight
   * @param {Uint8Array | undefined} error for other threads
   * @returns {{ isCurrent: boolean, stale: { value: unknown } | undefined }}
   */
  fail({ id, flightId, startedAt }, error) {
    if (this.#isClosed) return { isCurrent: false, stale: undefined }
    const now = clock.now()
    const bytes = native.cacheFail(this.#handle, flightId, error, now - startedAt, now, out)
    const isCurrent = out[FlightId] !== 0
    if (out[Kind] !== Hit) return { isCurrent, stale: undefined }
    if (this.#isHeap) return { isCurrent, stale: this.#near.atSlot(out[Slot]) }
    try {
      return { isCurrent, stale: { value: decode(this.#codec, id, /** @type {Buffer} */ (bytes)) } }
    } catch {
      // The load's own error says more.
      return { isCurrent, stale: undefined }
    }
  }

  /**
   * Nobody here waits for a flight any more. Returns whether nobody waits at all.
   * @param {number} flightId
   * @param {boolean} loads whether it is loading here
   */
  leave(flightId, loads) {
    return this.#isClosed || native.cacheLeave(this.#handle, flightId, loads)
  }

  /** @param {number} flightId of a flight that loads elsewhere and takes too long */
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
    const held = this.#near.clear()
    if (!hasListener) return
    if (this.#isHeap) this.#evictions.add(deletedEntries(held, native.EvictionReason.Deleted))
    else this.#queueNativeEvictions(0)
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    checkWeighOption(this.#isHeap, limits.maxBytes, this.#weigh)
    this.flushUses()
    native.cacheResize(this.#handle, { ...limits }, clock.now(), out)
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
    return this.#isHeap ? entryPairs(list.map(slot => this.#near.atSlot(slot))) : this.#decoded(list)
  }

  close() {
    this.flushUses()
    if (this.#evictions.hasListener && !this.#isHeap) {
      // Earlier evictions are still to be reported.
      for (const eviction of [...this.#nativeEvictions()]) this.#evictions.add(eviction)
    }
    registry.unregister(this)
    releaseCache({ handle: this.#handle, subscriptionId: this.#subscriptionId })
    this.#isClosed = true
    this.#near.clear()
  }

  /** Reports the oldest evictions now if too many wait. Call it last: `onEvict` may call the cache. */
  drainExcessEvictions() {
    if (this.#evictions.hasListener) this.#evictions.drainExcess(() => this.#pendingNative)
  }

  flushUses() {
    if (this.#useCount === 0) return
    const used = this.#useCount
    this.#useCount = 0
    native.cacheTouch(this.#handle, this.#uses, used)
  }

  /** Native code has answered to a value that came in. @param {Id} id @param {unknown} value */
  #onStored(id, value) {
    const isStored = out[Kind] === Stored
    const slot = out[Slot]
    const refresh = out[RefreshAt]
    const fresh = out[FreshUntil]
    this.#collectEvictions()
    if (isStored && this.#isHeap) this.#near.put(nearEntry(id, slot, value, refresh, fresh, undefined))
  }

  /** Whether nothing is held of an id, fresh or not, on this side. @param {Id} id */
  #isMissing(id) {
    return this.#isHeap && this.#near.getStale(id) === undefined
  }

  /** Asks for what is held and fresh. @param {Id} id @param {boolean} counts as a use */
  #lookUpNative(id, counts) {
    const bytes = this.#bytesOf(native.cachePeek(this.#handle, id, clock.now(), counts, this.#scratch, out))
    if (out[Kind] === Hit) return this.#isHeap ? this.#near.atSlot(out[Slot]) : this.#keepNear(id, bytes)
    this.#collectEvictions()
    this.drainExcessEvictions()
    return undefined
  }

  /**
   * Keeps a decoded copy of what native code has answered.
   * @param {Id} id
   * @param {Buffer | null} bytes
   */
  #keepNear(id, bytes) {
    const [, slot, version, , refresh, fresh] = out
    const encoded = /** @type {Buffer} */ (bytes)
    const origin = { version, size: encoded.length }
    const value = decode(this.#codec, id, encoded)
    this.#checkOpen()
    const entry = nearEntry(id, slot, value, refresh, fresh, origin)
    this.#near.put(entry)
    return entry
  }

  /** What came from native code; what lies in the scratch is to be read at once. @param {Buffer | number | null} came */
  #bytesOf(came) {
    return typeof came === 'number' ? scratch.subarray(0, came) : came
  }

  /**
   * Returns the value in native storage, fresh or not; `undefined` if it cannot be decoded.
   * @param {Id} id
   * @param {Buffer | null} bytes
   */
  #previous(id, bytes) {
    let previous
    try {
      previous = bytes === null ? undefined : decode(this.#codec, id, bytes)
    } catch {}
    this.#checkOpen()
    return previous
  }

  /** Call this after user code has run: it may have closed the cache. */
  #checkOpen() {
    if (this.#isClosed) throw closedError()
  }

  /**
   * @param {number} slot
   * @param {number} reason or, of several, how many
   */
  #collectEvictions(slot = out[EvictedSlot], reason = out[EvictionReason]) {
    if (slot === native.NO_SLOT) return
    if (!this.#isHeap) this.#queueNativeEvictions(reason)
    else if (slot !== native.FETCH && !this.#evictions.hasListener) this.#near.deleteSlot(slot)
    else if (slot !== native.FETCH) this.#evictions.add(this.#takeEvicted(slot, reason))
    else {
      const list = native.cacheEvicted(this.#handle, reason)
      for (let at = 0; at < list.length; at += 2) this.#evictions.add(this.#takeEvicted(list[at], list[at + 1]))
    }
  }

  /** @param {number} slot @param {number} reason */
  #takeEvicted(slot, reason) {
    const { id, value } = this.#near.deleteSlot(slot)
    return { id, value, reason }
  }

  /** Queues the evictions that native code keeps. @param {number} pending how many it keeps */
  #queueNativeEvictions(pending) {
    this.#pendingNative = pending
    if (this.#isDrainingNative) return
    this.#isDrainingNative = true
    this.#evictions.add(this.#nativeEvictions())
  }

  /** Yields the evictions of native storage, decoded as they are read. */
  *#nativeEvictions() {
    for (;;) {
      const list = this.#isClosed ? [] : native.cacheEvicted(this.#handle, EVICTIONS_PER_CALL)
      this.#pendingNative = Math.max(0, this.#pendingNative - EVICTIONS_PER_CALL)
      if (list.length === 0) break
      for (let at = 0; at < list.length; at += 3) {
        const [id, bytes, reason] = list.slice(at, at + 3)
        try {
          yield { id, value: decode(this.#codec, id, bytes), reason }
        } catch (error) {
          process.emitWarning(/** @type {Error} */ (error))
        }
      }
    }
    this.#isDrainingNative = false
  }

  /** @param {any[]} list ids and bytes in turn @returns {IterableIterator<[any, any]>} */
  *#decoded(list) {
    for (let at = 0; at < list.length; at += 2) yield [list[at], decode(this.#codec, list[at], list[at + 1])]
  }
}

module.exports = { Store }
