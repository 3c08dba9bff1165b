'use strict'

const { isProxy } = require('node:util').types

/** Values with more parts than this are not looked through. */
const MAX_PARTS = 512

/**
 * Whether JSON says all that a structured clone of the value would: JSON of small values costs the loop and the collector
 * a fraction of what v8's Deserializer does, which keeps what it made alive for a while.
 * @param {unknown} value
 */
function isJsonSafe(value) {
  return new JsonCheck().accepts(value)
}

class JsonCheck {
  #partsLeft = MAX_PARTS
  /** One object in two places is one object in a clone. @type {Set<object> | undefined} */
  #seen

  /** @param {any} value @returns {boolean} */
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
    // Neither holes nor properties that are no elements.
    if (isArray && (keys.length !== value.length || (keys.length > 0 && keys.at(-1) !== `${keys.length - 1}`)))
      return false
    return keys.every(key => this.accepts(value[key]))
  }
}

module.exports = { isJsonSafe }
