'use strict'

const { createOrder } = require('./policies')
const { Bounds } = require('./bounds')
const { Age, Lifetimes, areNeeded } = require('./lifetimes')
const { Failures } = require('./failures')
const { clock } = require('./clock')
const { CurrentFlights } = require('./current-flights')
const { MAX_IDLE_LENGTH, IdIndex, hashOf } = require('./id-index')
const { Evictions, REASONS, deletions } = require('./evictions')
const { checkLimits, checkStorable, checkWeight, closedError } = require('./options')
const { resolved } = require('../internal/deferred')

const [SIZE, TTL, REPLACED, DELETED] = REASONS.keys()

/**
 * @typedef {import('../../index').CacheId} Id
 * @typedef {import('./flight').Answer} Answer
 * @typedef {import('./flight').Flight} Flight
 * @typedef {import('./flight').FlightOwner} FlightOwner
 */

const WEIGHTLESS = Object.freeze({ bytes: undefined, weight: 0 })

/** The entries of a cache as JavaScript values. Each has a slot, which is its index in the arrays. */
class HeapStore {
  #slots
  /** @type {any[]} */
  #values = []
  /** Resolved promises of the values that were requested. @type {(Promise<any> | undefined)[]} */
  #promises = []
  #isClosed = false
  #policy
  #order
  /** Without it no entry has times, and no clock is read. @type {Lifetimes | undefined} */
  #lifetimes
  #lifetimeOptions
  /** Has no weights without `weigh`. */
  #bounds
  #weigh
  #evictions
  #flights = new CurrentFlights()
  #errorTtl
  /** @type {Failures | undefined} */
  #failures
  #hits = 0
  #staleHits = 0
  #misses = 0
  /** By index of the reason. */
  #evicted = REASONS.map(() => 0)

  /** @param {ReturnType<typeof import('./options').readOptions>} options */
  constructor({ native: options, weigh, onEvict, loadTimeout }) {
    this.#bounds = new Bounds(options.max ?? Infinity, options.maxBytes ?? Infinity)
    this.#slots = new IdIndex(this.#bounds.max)
    this.#weigh = weigh
    this.#policy = options.policy
    this.#order = createOrder(this.#policy, this.#bounds)
    this.#evictions = new Evictions(onEvict, undefined)
    this.#lifetimeOptions = options
    if (areNeeded(options)) this.#lifetimes = new Lifetimes(options)
    this.#errorTtl = options.errorTtl ?? 0
    this.loadTimeout = loadTimeout
  }

  get size() {
    return this.#slots.size
  }

  get #isFull() {
    return this.#slots.size >= this.#bounds.max
  }

  get bytes() {
    return this.#bounds.bytes
  }

  /** Returns a promise of a fresh value that is not due for a reload, and counts a use. @param {Id} id */
  getResolved(id) {
    const slot = this.#use(id)
    if (slot === undefined) return undefined
    this.#promises[slot] ??= resolved(this.#values[slot])
    return this.#promises[slot]
  }

  /** Returns an entry that is not due for a reload, and counts a use. @param {Id} id */
  getNear(id) {
    const slot = this.#use(id)
    return slot === undefined ? undefined : { value: this.#values[slot] }
  }

  /** Returns the slot of an entry that is not due for a reload, and counts a use. @param {Id} id */
  #use(id) {
    const slot = this.#slots.find(id)
    if (slot === undefined) return undefined
    if (this.#lifetimes !== undefined && this.#lifetimes.age(slot, clock.now()) !== Age.Fresh) return undefined
    this.#order.touch(slot)
    this.#hits++
    return slot
  }

  /**
   * Returns an entry, and joins the flight that loads or reloads it.
   * @param {Id} id
   * @param {FlightOwner} owner
   * @param {unknown} _load
   * @returns {Answer}
   */
  lookUp(id, owner, _load) {
    if (this.#slots.isLarge && this.#isFull) this.#slots.readAhead(this.#order.likelyVictim())
    const hash = hashOf(id)
    const current = this.#flights.get(id, hash)
    // The entry of such a flight is not served: a caller waits.
    if (current?.role === 'lookup') {
      this.#misses++
      return this.#follow(current)
    }
    const now = this.#now()
    const slot = this.#findUnexpired(id, now, hash)
    const age = slot === undefined ? Age.Expired : this.#ageOf(slot, now)
    const failing = age === Age.Fresh ? undefined : this.#failures?.find(id, now)
    if (slot !== undefined && (age < Age.ErrorOnly || (failing && this.#lifetimes?.servesOnError(slot, now)))) {
      this.#order.touch(slot)
      if (age < Age.Stale) this.#hits++
      else this.#staleHits++
      const value = this.#values[slot]
      const reloads = age !== Age.Fresh && failing === undefined && current === undefined
      const flight = reloads ? this.#begin(id, hash, owner, 'background') : undefined
      return { entry: { value }, flight, leads: reloads, previous: value }
    }
    this.#misses++
    if (failing !== undefined) throw failing.error
    return current === undefined ? this.#lead(id, hash, slot, owner, 'lookup') : this.#follow(current)
  }

  /**
   * Joins the flight that reloads an id.
   * @param {Id} id
   * @param {FlightOwner} owner
   * @param {unknown} _load
   * @returns {Answer & { flight: Flight }}
   */
  refresh(id, owner, _load) {
    const hash = hashOf(id)
    const current = this.#flights.get(id, hash)
    if (current !== undefined) return this.#follow(current)
    const slot = this.#slots.get(id, hash)
    const isKnown = slot !== undefined && this.#ageOf(slot, this.#now()) !== Age.Expired
    return this.#lead(id, hash, isKnown ? slot : undefined, owner, 'refresh')
  }

  /**
   * Joins a flight.
   * @param {Flight} flight
   * @returns {Answer & { flight: Flight }}
   */
  #follow(flight) {
    flight.checkNotInside()
    this.#flights.coalesced++
    return { entry: undefined, flight, leads: false, previous: undefined }
  }

  /**
   * Begins a flight.
   * @param {Id} id
   * @param {number | undefined} hash of the id
   * @param {number | undefined} slot of the previous value
   * @param {FlightOwner} owner
   * @param {import('./flight').Role} role
   * @returns {Answer & { flight: Flight }}
   */
  #lead(id, hash, slot, owner, role) {
    const flight = this.#begin(id, hash, owner, role)
    return { entry: undefined, flight, leads: true, previous: slot === undefined ? undefined : this.#values[slot] }
  }

  /** @type {(id: Id, hash: number | undefined, owner: FlightOwner, role: import('./flight').Role) => Flight} */
  #begin(id, hash, owner, role) {
    const flight = owner.begin(id, role)
    this.#flights.add(flight, hash)
    return flight
  }

  /** Returns a fresh value without counting a use. @param {Id} id */
  peek(id) {
    const slot = this.#findFresh(id)
    return slot === undefined ? undefined : this.#values[slot]
  }

  /** @param {Id} id */
  has(id) {
    return this.#findFresh(id) !== undefined
  }

  /** Returns a fresh entry, for a caller that cannot load, and counts a use. @param {Id} id */
  find(id) {
    const slot = this.#findFresh(id)
    if (slot === undefined) {
      this.#misses++
      return undefined
    }
    this.#order.touch(slot)
    this.#hits++
    return { value: this.#values[slot] }
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {number | undefined} ttl
   */
  set(id, value, ttl) {
    const { weight } = this.encode(id, value)
    // `weigh` may have closed the cache.
    if (this.#isClosed) throw closedError()
    this.#forget(id)
    this.#put(id, hashOf(id), value, weight, ttl)
  }

  /**
   * Weighs a value. Throws if it cannot be stored.
   * @param {Id} id
   * @param {unknown} value
   * @param {Uint8Array} [_known]
   */
  encode(id, value, _known) {
    checkStorable(id, value)
    if (this.#weigh === undefined) return WEIGHTLESS
    return { bytes: undefined, weight: checkWeight(this.#weigh(value, id), id) }
  }

  /**
   * Ends a load, and stores its value if there is a `weight`.
   * @param {Flight} flight
   * @param {unknown} value
   * @param {Uint8Array | undefined} _bytes
   * @param {number | undefined} weight
   * @param {number | undefined} ttl
   * @param {number | undefined} _refresh
   */
  complete(flight, value, _bytes, weight, ttl, _refresh) {
    if (!this.#flights.end(flight)) return
    this.#failures?.delete(flight.id)
    if (weight !== undefined) this.#put(flight.id, flight.hash, value, weight, ttl)
  }

  /**
   * Ends a failed load. Returns the value to serve in place of the error, if there is one.
   * @param {Flight} flight
   * @param {unknown} error
   * @returns {{ value: unknown } | undefined}
   */
  fail(flight, error) {
    this.#flights.failures++
    if (!this.#flights.end(flight)) return undefined
    const now = clock.now()
    if (this.#errorTtl > 0) {
      this.#failures ??= new Failures()
      this.#failures.add(flight.id, error, now + this.#errorTtl)
    }
    const slot = this.#slots.get(flight.id, flight.hash)
    if (slot === undefined || this.#lifetimes === undefined) return undefined
    if (this.#isFresh(slot, now) || !this.#lifetimes.servesOnError(slot, now)) return undefined
    return { value: this.#values[slot] }
  }

  /** Ends a flight for which no caller waits. Returns that its load may stop. @param {Flight} flight */
  leave(flight) {
    this.#flights.remove(flight)
    return true
  }

  /** Makes the next caller of an id load it. @param {Id} id */
  #forget(id) {
    this.#flights.forget(id)
    this.#failures?.delete(id)
  }

  /** @param {Id} id */
  delete(id) {
    this.#forget(id)
    const slot = this.#findUnexpired(id, this.#now())
    if (slot === undefined) return false
    this.#evict(slot, DELETED)
    this.#dropIfEmpty()
    return true
  }

  clear() {
    this.#flights.forgetAll()
    this.#failures?.clear()
    this.#evicted[DELETED] += this.#slots.size
    if (this.#evictions.hasListener) this.#evictions.add(deletions(this.#slots.ids, this.#values, this.#order.slots()))
    this.#dropEntries()
  }

  #dropEntries() {
    this.#slots = new IdIndex(this.#bounds.max)
    this.#values = []
    this.#promises = []
    this.#bounds.clear()
    this.#order = createOrder(this.#policy, this.#bounds)
    this.#lifetimes?.clear()
  }

  /** Replaces the arrays of an empty store, so that they do not keep their peak length. */
  #dropIfEmpty() {
    if (this.#slots.size === 0 && this.#values.length > MAX_IDLE_LENGTH) this.#dropEntries()
  }

  /** @param {{ max: number | undefined, maxBytes: number | undefined }} limits */
  resize(limits) {
    checkLimits('limits', limits, true, this.#weigh)
    this.#bounds.max = limits.max ?? this.#bounds.max
    this.#bounds.maxBytes = limits.maxBytes ?? this.#bounds.maxBytes
    this.#makeRoom(0, 0, this.#now())
    this.#dropIfEmpty()
  }

  /** @returns {import('../../index').CacheStats} */
  stats() {
    const [size, ttl, replaced, deleted] = this.#evicted
    return {
      size: this.#slots.size,
      bytes: this.#bounds.bytes,
      hits: this.#hits,
      staleHits: this.#staleHits,
      misses: this.#misses,
      evictions: { size, ttl, replaced, deleted },
      ...this.#flights.stats()
    }
  }

  /** Returns ids and values of the fresh entries, in the order of the policy. @returns {IterableIterator<[any, any]>} */
  entries() {
    const pairs = this.#freshSlots().map(slot => [this.#slots.ids[slot], this.#values[slot]])
    return /** @type {any} */ (pairs.values())
  }

  /** Returns the ids of the entries, in the order of `entries()`. @returns {IterableIterator<any>} */
  keys() {
    const ids = this.#freshSlots().map(slot => this.#slots.ids[slot])
    return ids.values()
  }

  #freshSlots() {
    const now = this.#now()
    return this.#order.slots().filter(slot => this.#isFresh(slot, now))
  }

  /** Returns the flights in flight. */
  close() {
    this.#isClosed = true
    this.#failures = undefined
    this.#dropEntries()
    return this.#flights.clear()
  }

  /** Reports the oldest evictions now if too many wait. Call it last: `onEvict` may call the cache. */
  drainExcessEvictions() {
    if (this.#evictions.hasListener) this.#evictions.drainExcess(() => 0)
  }

  #now() {
    return this.#lifetimes === undefined && this.#failures === undefined ? 0 : clock.now()
  }

  /** @type {(slot: number, now: number) => number} */
  #ageOf(slot, now) {
    return this.#lifetimes === undefined ? Age.Fresh : this.#lifetimes.age(slot, now)
  }

  /** @type {(slot: number, now: number) => boolean} */
  #isFresh(slot, now) {
    return this.#ageOf(slot, now) < Age.Stale
  }

  /** Returns the slot of a fresh entry. An expired one is evicted. @param {Id} id */
  #findFresh(id) {
    if (this.#lifetimes === undefined) return this.#slots.find(id)
    const now = clock.now()
    const slot = this.#findUnexpired(id, now)
    if (slot !== undefined && this.#isFresh(slot, now)) return slot
    this.drainExcessEvictions()
    return undefined
  }

  /** Returns the slot of an entry, which is evicted if it has expired. @type {(id: Id, now: number, hash?: number) => number | undefined} */
  #findUnexpired(id, now, hash) {
    const slot = this.#slots.get(id, hash)
    if (slot === undefined || this.#ageOf(slot, now) !== Age.Expired) return slot
    this.#evict(slot, TTL)
    this.#dropIfEmpty()
    return undefined
  }

  /** @type {(id: Id, hash: number | undefined, value: unknown, weight: number, ttl: number | undefined) => void} */
  #put(id, hash, value, weight, ttl) {
    const replaced = this.#slots.get(id, hash)
    let rank = 0
    if (replaced !== undefined) {
      rank = this.#order.rankOf(replaced)
      this.#evict(replaced, REPLACED)
    }
    if (weight > this.#bounds.maxBytes) return this.#dropIfEmpty()
    if (ttl !== undefined) this.#lifetimes ??= new Lifetimes(this.#lifetimeOptions)
    const slot = this.#order.allocate()
    let now = 0
    if (this.#lifetimes !== undefined) {
      now = clock.now()
      if (!this.#lifetimes.insert(slot, ttl, now)) return this.#order.release(slot)
    }
    this.#makeRoom(1, weight, now)
    this.#slots.set(id, slot, hash)
    this.#values[slot] = value
    // The promise of a reused slot was cleared before.
    if (slot >= this.#promises.length) this.#promises[slot] = undefined
    if (this.#weigh !== undefined) this.#bounds.add(slot, weight)
    this.#order.insert(slot, id, rank)
  }

  /** Evicts expired entries, then those that the policy chooses, until there is room. @type {(entries: number, bytes: number, now: number) => void} */
  #makeRoom(entries, bytes, now) {
    while (this.#bounds.areExceeded(this.#slots.size + entries, bytes)) {
      const expired = this.#lifetimes?.firstExpired(now)
      if (expired !== undefined) this.#evict(expired, TTL)
      else this.#evict(this.#order.victim(entries, bytes), SIZE)
    }
  }

  /** @type {(slot: number, reason: number) => void} */
  #evict(slot, reason) {
    const id = this.#slots.ids[slot]
    const value = this.#values[slot]
    this.#slots.delete(slot)
    this.#order.remove(slot, reason === SIZE || reason === TTL ? id : undefined)
    this.#lifetimes?.remove(slot)
    if (this.#weigh !== undefined) this.#bounds.remove(slot)
    this.#values[slot] = undefined
    this.#promises[slot] = undefined
    this.#evicted[reason]++
    if (this.#evictions.hasListener) this.#evictions.add({ id, value, reason })
  }
}

module.exports = { HeapStore }
