'use strict'

const native = require('../native')
const { lengthOf } = require('../internal/typed-array')
const { completionPort } = require('../native/completion-port')
const { KIND, SLOT, TOKEN, REFRESH, FRESH, GONE, REASON, HIT, LEADS, STORED, FAILING } = require('./answer')
const { NO_SLOT, ASK, DELETED, out } = require('./answer')
const { clock } = require('./clock')
const { decode, encode } = require('./codec')
const { Copies, copyOf, deleted, values } = require('./near-cache')
const { Evictions } = require('./evictions')
const { releaseCache, registry } = require('./hold')
const { checkKept, checkWeight, checkWeighed, closedError } = require('./options')

/**
 * @typedef {import('../../index').Id} Id
 * @typedef {import('./near-cache').Copy<any>} Copy
 * @typedef {import('./flight').Owner} Owner
 * @typedef {import('./flight').Flight} Flight
 */

/** Uses of copies that are told native code at once. */
const USES = 4096
const NO_TTL = -1
/** Entries that went and are decoded at a time. */
const SLICE = 64

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
  #copies
  #evictions
  /** Slots of copies in the order of their use, of which native code does not know yet. */
  #uses = new Uint32Array(USES)
  #used = 0
  /** @type {number | undefined} of a named cache */
  #subscriptionId
  /** Whether what went from native storage is being told of. */
  #isHearing = false
  /** How many native code keeps of those. */
  #untold = 0
  #isClosed = false

  /**
   * Who hears of flights that are shared with other threads.
   * @type {(kind: number, token: number, bytes: Buffer | undefined) => void}
   */
  onMessage = () => {}

  /** @param {ReturnType<typeof import('./options').readOptions>} options */
  constructor(options) {
    const self = new WeakRef(this)
    if (options.name !== undefined) {
      this.#subscriptionId = completionPort.subscribe({
        onMessage: (kind, token, bytes) => self.deref()?.onMessage(kind, token, bytes)
      })
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
    this.#copies = new Copies(options.isHeap, options.isHeap ? null : native.cacheVersions(this.#handle))
    this.#evictions = new Evictions(options.onEvict)
  }

  get size() {
    return native.cacheSize(this.#handle)
  }

  get bytes() {
    return native.cacheBytes(this.#handle)
  }

  /** A copy to be served without a question, which counts as a use. @param {Id} id */
  use(id) {
    const copy = this.#copies.getIfNotDue(id)
    if (copy === undefined) return undefined
    this.#uses[this.#used++] = copy.slot
    if (this.#used === USES) this.tellUses()
    return copy
  }

  /**
   * Gives the flight to its owner before the codec runs: a codec is user code, and may ask for the same id.
   * @param {Id} id
   * @param {Owner} owner
   * @param {import('./flight').Loader} load
   * @returns {import('./answer').Answer}
   */
  ask(id, owner, load) {
    // What is asked for may be used now: after what was used before.
    const used = this.#used
    this.#used = 0
    const bytes = this.#bytesOf(native.cacheGet(this.#handle, id, clock.now(), this.#uses, used, this.#scratch, out))
    const token = out[TOKEN]
    if (out[KIND] === HIT) {
      const flight = token === 0 ? undefined : owner.board(id, token, true, load, 'behind')
      try {
        const copy = this.#isHeap ? this.#copies.at(out[SLOT]) : this.#remember(id, bytes)
        return { copy, flight, leads: flight !== undefined, previous: copy.value }
      } catch (error) {
        if (flight !== undefined) owner.unboard(flight, error)
        throw error
      }
    }
    const leads = out[KIND] === LEADS
    const failing = out[KIND] === FAILING ? { bytes: bytes && Buffer.from(bytes) } : undefined
    const isKnown = leads && out[SLOT] !== NO_SLOT
    const held = isKnown && this.#isHeap ? this.#copies.last(id)?.value : undefined
    this.#takeEvicted()
    const flight = token === 0 ? undefined : owner.board(id, token, leads, load, 'found')
    const previous = isKnown && !this.#isHeap ? this.#previous(id, bytes) : held
    return { copy: undefined, flight, leads, previous, failing }
  }

  /**
   * The flight that loads it anew.
   * @param {Id} id
   * @param {Owner} owner
   * @param {import('./flight').Loader} load
   * @returns {{ flight: Flight, leads: boolean, previous: unknown }}
   */
  askAnew(id, owner, load) {
    const bytes = this.#bytesOf(native.cacheRefresh(this.#handle, id, clock.now(), this.#scratch, out))
    const token = out[TOKEN]
    const leads = out[KIND] === LEADS
    const isKnown = leads && out[SLOT] !== NO_SLOT
    const held = isKnown && this.#isHeap ? this.#copies.last(id)?.value : undefined
    const flight = owner.board(id, token, leads, load, 'anew')
    return { flight, leads, previous: isKnown && !this.#isHeap ? this.#previous(id, bytes) : held }
  }

  /** What is held and fresh. @param {Id} id @returns {Copy | undefined} */
  peek(id) {
    const copy = this.#copies.get(id)
    if (copy !== undefined || this.#lacks(id)) return copy
    return this.#look(id, false)
  }

  /** The same for someone who cannot load, as a use. @param {Id} id */
  find(id) {
    this.tellUses()
    return this.#look(id, true)
  }

  /** @param {Id} id */
  has(id) {
    if (this.#copies.get(id) !== undefined) return true
    if (this.#lacks(id)) return false
    native.cacheHas(this.#handle, id, clock.now(), out)
    const has = out[KIND] === HIT
    this.#takeEvicted()
    this.relieve()
    return has
  }

  /**
   * @param {Id} id
   * @param {unknown} value
   * @param {number | undefined} ttl
   */
  set(id, value, ttl) {
    const { bytes, weight } = this.pack(id, value)
    this.#checkOpen()
    this.tellUses()
    if (!this.#isHeap) this.#copies.forget(id)
    native.cacheSet(this.#handle, id, bytes, weight, ttl ?? NO_TTL, clock.now(), out)
    this.#stored(id, value)
  }

  /**
   * A value as it is stored. Throws if it cannot be.
   * @param {Id} id
   * @param {unknown} value
   */
  pack(id, value) {
    checkKept(id, value)
    const bytes = this.#isHeap ? undefined : encode(this.#codec, id, value)
    const weight =
      this.#weigh === undefined ? (bytes === undefined ? 0 : lengthOf(bytes)) : checkWeight(this.#weigh(value, id), id)
    checkKept(id, bytes)
    return { bytes, weight }
  }

  /**
   * @param {Id} id
   * @param {Buffer} bytes
   */
  unpack(id, bytes) {
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
  arrive({ id, token, started }, value, bytes, weight, ttl) {
    this.tellUses()
    const now = clock.now()
    const took = now - started
    native.cacheArrive(this.#handle, token, bytes, weight !== undefined, weight ?? 0, ttl ?? NO_TTL, took, now, out)
    this.#stored(id, value)
  }

  /**
   * A load has failed. Returns what is to be served in place of the error, and whether nothing else was said of the id since
   * the load began.
   * @param {import('./flight').Flight} flight
   * @param {Uint8Array | undefined} error for other threads
   * @returns {{ isCurrent: boolean, stale: { value: unknown } | undefined }}
   */
  fail({ id, token, started }, error) {
    if (this.#isClosed) return { isCurrent: false, stale: undefined }
    const now = clock.now()
    const bytes = native.cacheFail(this.#handle, token, error, now - started, now, out)
    const isCurrent = out[TOKEN] !== 0
    if (out[KIND] !== HIT) return { isCurrent, stale: undefined }
    if (this.#isHeap) return { isCurrent, stale: this.#copies.at(out[SLOT]) }
    try {
      return { isCurrent, stale: { value: decode(this.#codec, id, /** @type {Buffer} */ (bytes)) } }
    } catch {
      // The load's own error says more.
      return { isCurrent, stale: undefined }
    }
  }

  /**
   * Nobody here waits for a flight any more. Returns whether nobody waits at all.
   * @param {number} token
   * @param {boolean} loads whether it is loading here
   */
  leave(token, loads) {
    return this.#isClosed || native.cacheLeave(this.#handle, token, loads)
  }

  /** @param {number} token of a flight that loads elsewhere and takes too long */
  giveUp(token) {
    native.cacheGiveUp(this.#handle, token)
  }

  /** @param {Id} id */
  delete(id) {
    if (!this.#isHeap) this.#copies.forget(id)
    const deleted = native.cacheDelete(this.#handle, id, clock.now(), out)
    this.#takeEvicted()
    return deleted
  }

  clear() {
    this.tellUses()
    const { areHeard } = this.#evictions
    native.cacheClear(this.#handle, areHeard && !this.#isHeap)
    const held = this.#copies.clear()
    if (!areHeard) return
    if (this.#isHeap) this.#evictions.add(deleted(held, DELETED))
    else this.#hearOfEvicted(0)
  }

  /** @param {{ max?: number, maxBytes?: number }} limits */
  resize(limits) {
    checkWeighed(this.#isHeap, limits.maxBytes, this.#weigh)
    this.tellUses()
    native.cacheResize(this.#handle, { ...limits }, clock.now(), out)
    this.#takeEvicted()
  }

  stats() {
    this.tellUses()
    return native.cacheStats(this.#handle)
  }

  /** @returns {IterableIterator<[any, any]>} */
  entries() {
    this.tellUses()
    const list = native.cacheEntries(this.#handle, clock.now())
    return this.#isHeap ? values(list.map(slot => this.#copies.at(slot))) : this.#decoded(list)
  }

  close() {
    this.tellUses()
    if (this.#evictions.areHeard && !this.#isHeap) {
      // Of what went before it is still to be told.
      for (const gone of [...this.#evicted()]) this.#evictions.add(gone)
    }
    registry.unregister(this)
    releaseCache({ handle: this.#handle, subscriptionId: this.#subscriptionId })
    this.#isClosed = true
    this.#copies.clear()
  }

  /** To be called last: `onEvict` hears of the oldest entries that went if too many wait, and may come back here. */
  relieve() {
    if (this.#evictions.areHeard) this.#evictions.relieve(() => this.#untold)
  }

  tellUses() {
    if (this.#used === 0) return
    const used = this.#used
    this.#used = 0
    native.cacheTouch(this.#handle, this.#uses, used)
  }

  /** Native code has answered to a value that came in. @param {Id} id @param {unknown} value */
  #stored(id, value) {
    const isStored = out[KIND] === STORED
    const slot = out[SLOT]
    const refresh = out[REFRESH]
    const fresh = out[FRESH]
    this.#takeEvicted()
    if (isStored && this.#isHeap) this.#copies.put(copyOf(id, slot, value, refresh, fresh, undefined))
  }

  /** Whether nothing is held of an id, fresh or not, on this side. @param {Id} id */
  #lacks(id) {
    return this.#isHeap && this.#copies.last(id) === undefined
  }

  /** Asks for what is held and fresh. @param {Id} id @param {boolean} counts as a use */
  #look(id, counts) {
    const bytes = this.#bytesOf(native.cachePeek(this.#handle, id, clock.now(), counts, this.#scratch, out))
    if (out[KIND] === HIT) return this.#isHeap ? this.#copies.at(out[SLOT]) : this.#remember(id, bytes)
    this.#takeEvicted()
    this.relieve()
    return undefined
  }

  /**
   * Keeps a decoded copy of what native code has answered.
   * @param {Id} id
   * @param {Buffer | null} bytes
   */
  #remember(id, bytes) {
    const [, slot, version, , refresh, fresh] = out
    const encoded = /** @type {Buffer} */ (bytes)
    const origin = { version, size: encoded.length }
    const value = decode(this.#codec, id, encoded)
    this.#checkOpen()
    const copy = copyOf(id, slot, value, refresh, fresh, origin)
    this.#copies.put(copy)
    return copy
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
  #takeEvicted(slot = out[GONE], reason = out[REASON]) {
    if (slot === NO_SLOT) return
    if (!this.#isHeap) this.#hearOfEvicted(reason)
    else if (slot !== ASK && !this.#evictions.areHeard) this.#copies.drop(slot)
    else if (slot !== ASK) this.#evictions.add(this.#dropped(slot, reason))
    else {
      const list = native.cacheEvicted(this.#handle, reason)
      for (let at = 0; at < list.length; at += 2) this.#evictions.add(this.#dropped(list[at], list[at + 1]))
    }
  }

  /** @param {number} slot @param {number} reason */
  #dropped(slot, reason) {
    const { id, value } = this.#copies.drop(slot)
    return { id, value, reason }
  }

  /** Native code keeps what went until it is asked. @param {number} untold how many it keeps */
  #hearOfEvicted(untold) {
    this.#untold = untold
    if (this.#isHearing) return
    this.#isHearing = true
    this.#evictions.add(this.#evicted())
  }

  /** What went from native storage, decoded as it is taken. */
  *#evicted() {
    for (;;) {
      const list = this.#isClosed ? [] : native.cacheEvicted(this.#handle, SLICE)
      this.#untold = Math.max(0, this.#untold - SLICE)
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
    this.#isHearing = false
  }

  /** @param {any[]} list ids and bytes in turn @returns {IterableIterator<[any, any]>} */
  *#decoded(list) {
    for (let at = 0; at < list.length; at += 2) yield [list[at], decode(this.#codec, list[at], list[at + 1])]
  }
}

module.exports = { Store }
