'use strict'

const { isProxy } = require('node:util').types

/** Larger values count as unsafe, without looking further. */
const MAX_PARTS = 512

/**
 * Returns whether JSON preserves everything that a structured clone would. For small values JSON takes a fraction of the time and
 * garbage collection of v8's Deserializer, which keeps its results alive for a while.
 * @param {unknown} value
 */
function isJsonSafe(value) {
  return new JsonCheck().accepts(value)
}

class JsonCheck {
  #partsLeft = MAX_PARTS
  /** Objects that were checked: a clone preserves that an object occurs twice, JSON does not. @type {Set<object> | undefined} */
  #seen

  /** @type {(value: any) => boolean} */
  accepts(value) {
    if (--this.#partsLeft < 0) return false
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
    return typeof value === 'object' && this.#acceptsObject(value)
  }

  /** @param {any} value */
  #acceptsObject(value) {
    if (isProxy(value) || typeof value.toJSON === 'function') return false
    const prototype = Object.getPrototypeOf(value)
    const isArray = Array.isArray(value)
    if (isArray ? prototype !== Array.prototype : prototype !== Object.prototype) return false
    this.#seen ??= new Set()
    if (this.#seen.has(value)) return false
    this.#seen.add(value)
    const keys = Object.keys(value)
    // An array may have holes, and properties besides its elements.
    if (isArray && (keys.length !== value.length || (keys.length > 0 && keys.at(-1) !== `${keys.length - 1}`))) {
      return false
    }
    return keys.every(key => this.accepts(value[key]))
  }
}

module.exports = { isJsonSafe }
