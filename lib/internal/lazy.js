'use strict'

// Defers `require` to the first use (docs/internals/loading.md).

/**
 * Returns a function that calls `load` once, at its first call, and always returns that result.
 * @template {{}} T
 * @param {() => T} load
 * @returns {() => T}
 */
function lazy(load) {
  /** @type {T | undefined} */
  let loaded
  return () => (loaded ??= load())
}

/**
 * Returns an object whose properties are loaded when they are first read, and are ordinary ones from then on.
 * @template {Record<string, () => unknown>} L
 * @param {L} loads by name
 * @returns {{ [K in keyof L]: ReturnType<L[K]> }}
 */
function lazyProperties(loads) {
  const object = /** @type {any} */ ({})
  for (const [name, load] of Object.entries(loads)) {
    /** @type {(value: unknown) => void} */
    const set = value => {
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
    }
    const get = () => {
      set(load())
      return object[name]
    }
    Object.defineProperty(object, name, { get, set, enumerable: true, configurable: true })
  }
  return object
}

module.exports = { lazy, lazyProperties }
