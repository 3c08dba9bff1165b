'use strict'

// The records of all caches of a tier that lives in one process, and the rules applied to them.

const { Tokens } = require('./tokens')

/**
 * @typedef {import('./rules').Record} Record
 * @typedef {import('./rules').Message} Message
 *
 * A change of one record, or (`cleared`) of all records of a cache, for the subscribers of the cache.
 * @typedef {{ cache: string, key: string, message: Message | { kind: 'cleared' } }} Event
 *
 * @typedef {object} Cache
 * @property {string} generation of the records that can be read
 * @property {string | undefined} settings that all processes share
 */

/**
 * A rule on one record.
 * @template Request
 * @template Reply
 * @typedef {(record: Record | undefined, generation: string, request: Request, now: number) => { record: Record | undefined, reply: Reply, message?: Message }} Rule
 */

/** Memory of a record besides its key and body, in bytes; an estimate. */
const RECORD_BYTES = 400
/** Maximum number of caches. One more clears the least recently used. */
const MAX_CACHES = 1000

class Space {
  /** Least recently used first. @type {Map<string, Record>} */
  #records = new Map()
  /** Least recently used first. @type {Map<string, Cache>} */
  #caches = new Map()
  #tokens = new Tokens()
  #maxBytes
  #bytes = 0

  /** @param {number} maxBytes of all records. If there are more, the least recently used are removed, and readers miss. */
  constructor(maxBytes) {
    this.#maxBytes = maxBytes
  }

  /** Memory of all records, in bytes; an estimate. */
  get bytes() {
    return this.#bytes
  }

  /**
   * Applies a rule to a record.
   * @template Request
   * @template Reply
   * @param {Rule<Request, Reply>} rule
   * @param {string} cache
   * @param {string} key
   * @param {Request} request
   * @param {number} now
   * @returns {{ reply: Reply, event: Event | undefined }}
   */
  apply(rule, cache, key, request, now) {
    const { generation } = this.#cache(cache)
    const path = pathOf(cache, key)
    const { record, reply, message } = rule(this.#records.get(path), generation, request, now)
    this.#replace(path, record)
    this.#evict()
    return { reply, event: message && { cache, key, message } }
  }

  /**
   * Makes all records of a cache unreadable, and revokes their leases. Eviction frees memory.
   * @param {string} cache
   * @returns {Event}
   */
  clear(cache) {
    this.#cache(cache).generation = this.#tokens.next()
    return { cache, key: '', message: { kind: 'cleared' } }
  }

  /**
   * Returns the settings of a cache, which are those of its first process.
   * @param {string} cache
   * @param {string} settings
   */
  agree(cache, settings) {
    const known = this.#cache(cache)
    known.settings ??= settings
    return known.settings
  }

  /** Returns a cache, marked as used. @param {string} name */
  #cache(name) {
    const cache = this.#caches.get(name) ?? { generation: this.#tokens.next(), settings: undefined }
    this.#caches.delete(name)
    this.#caches.set(name, cache)
    // The next use of that cache makes a generation that no record has.
    if (this.#caches.size > MAX_CACHES) this.#caches.delete(firstKey(this.#caches))
    return cache
  }

  /**
   * Replaces a record, marked as used.
   * @param {string} path
   * @param {Record | undefined} record
   */
  #replace(path, record) {
    const before = this.#records.get(path)
    if (before !== undefined) {
      this.#records.delete(path)
      this.#bytes -= sizeOf(path, before)
    }
    if (record === undefined) return
    this.#records.set(path, record)
    this.#bytes += sizeOf(path, record)
  }

  #evict() {
    while (this.#bytes > this.#maxBytes && this.#records.size > 0) this.#replace(firstKey(this.#records), undefined)
  }
}

/**
 * Returns the path of a record, which is unique among all caches.
 * @param {string} cache
 * @param {string} key
 */
function pathOf(cache, key) {
  return `${cache.length}:${cache}:${key}`
}

/** @param {Map<string, unknown>} map that is not empty */
function firstKey(map) {
  return /** @type {string} */ (map.keys().next().value)
}

/**
 * @param {string} path
 * @param {Record} record
 */
function sizeOf(path, { body }) {
  return RECORD_BYTES + path.length + (body?.bytes.byteLength ?? 0)
}

module.exports = { Space }
