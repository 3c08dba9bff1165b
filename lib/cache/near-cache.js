'use strict'

const native = require('../native')
const { clock } = require('./clock')

/** Maximum number of decoded copies, and of their encoded bytes. */
const MAX_ENTRIES = 4096
const MAX_BYTES = 16 << 20
/** Number of marks for each version word: popular values that share a word must not displace each other's mark. */
const MARKS = 4

/**
 * @typedef {import('../../index').CacheId} Id
 *
 * @typedef {object} NearEntry a decoded copy of the value in a slot of native code
 * @property {Id} id
 * @property {number} slot
 * @property {any} value
 * @property {Promise<any> | undefined} promise a resolved one, once the value was requested
 * @property {number} refresh when to reload it
 * @property {number} fresh until when it is fresh
 * @property {number} version version word of its slot
 * @property {number} size of the encoded bytes
 */

/** Decoded copies of values. A copy is valid while the version word of its slot is unchanged. See docs/internals/near-cache.md. */
class NearCache {
  /** @type {Map<Id, NearEntry>} */
  #byId = new Map()
  /** Encoded bytes of the copies. */
  #bytes = 0
  /** Marks of the last decoded values for each version word, newest first. A value that is decoded again unchanged is kept. */
  #decoded = new Uint32Array(0)
  #versions
  /** Time until which copies may be served at all: other processes may have changed the values. */
  validUntil = Infinity

  /** @param {Uint32Array | null} versions version words; without them no copies are kept */
  constructor(versions) {
    this.#versions = versions
    if (versions !== null) this.#decoded = new Uint32Array(MARKS * native.VERSION_WORDS)
  }

  /** Returns a fresh copy. @param {Id} id */
  get(id) {
    const entry = this.#find(id)
    return entry === undefined || entry.fresh === Infinity || clock.now() < entry.fresh ? entry : undefined
  }

  /** Returns a fresh copy that is not due for a refresh. @param {Id} id */
  getIfNotDue(id) {
    const entry = this.#find(id)
    if (entry === undefined) return undefined
    const until = Math.min(entry.refresh, entry.fresh, this.validUntil)
    return until === Infinity || clock.now() < until ? entry : undefined
  }

  /** @param {Id} id */
  #find(id) {
    const entry = this.#byId.get(id)
    if (entry === undefined) return undefined
    const versions = /** @type {Uint32Array} */ (this.#versions)
    return versions[entry.slot % native.VERSION_WORDS] === entry.version ? entry : undefined
  }

  /** Keeps a copy if its value was decoded before. @param {NearEntry} entry */
  put(entry) {
    if (this.#versions === null || entry.size > MAX_BYTES || !this.#wasDecodedBefore(entry)) return
    this.delete(entry.id)
    this.#byId.set(entry.id, entry)
    this.#bytes += entry.size
    while (this.#byId.size > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.delete(this.#byId.keys().next().value)
  }

  /** Returns whether this value was one of the last that were decoded for its version word. @param {NearEntry} entry */
  #wasDecodedBefore({ slot, version }) {
    const mark = (Math.imul(slot, 31) + version + 1) >>> 0
    const first = MARKS * (slot % native.VERSION_WORDS)
    const end = first + MARKS
    for (let index = first; index < end; index++) if (this.#decoded[index] === mark) return true
    this.#decoded.copyWithin(first + 1, first, end - 1)
    this.#decoded[first] = mark
    return false
  }

  /** @param {Id | undefined} id */
  delete(id) {
    const entry = this.#byId.get(/** @type {Id} */ (id))
    if (entry === undefined) return
    this.#bytes -= entry.size
    this.#byId.delete(entry.id)
  }

  clear() {
    this.#byId = new Map()
    this.#bytes = 0
  }
}

module.exports = { NearCache }
