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
 * Returns an object whose properties are loaded when the first of them is read, and are ordinary ones from then on, so that test
 * doubles can replace them. One that was assigned before keeps its value.
 * @template {object} T
 * @template {keyof T & string} K
 * @template {object} [O={}]
 * @param {() => T} load
 * @param {K[]} names
 * @param {O} [target] object that receives the properties
 * @returns {O & Pick<T, K>}
 */
function lazyProperties(load, names, target) {
  const object = /** @type {any} */ (target ?? {})
  const loaded = lazy(load)
  /** @type {Map<K, () => unknown>} */
  const getters = new Map(names.map(name => [name, () => read(name)]))

  /** @param {K} name */
  const read = name => {
    const values = loaded()
    for (const [other, get] of getters) {
      // A frozen object keeps the getter.
      if (Object.getOwnPropertyDescriptor(object, other)?.get === get) setOrdinary(object, other, values[other])
    }
    return values[name]
  }

  for (const [name, get] of getters) {
    /** @type {(this: object, value: unknown) => void} */
    const set = function (value) {
      // The receiver may inherit the property.
      if (!setOrdinary(this, name, value)) throw new TypeError(`Cannot assign to read only property '${name}'`)
    }
    Object.defineProperty(object, name, { get, set, enumerable: true, configurable: true })
  }
  return object
}

/** Returns whether the object allowed it. @type {(object: object, name: string, value: unknown) => boolean} */
function setOrdinary(object, name, value) {
  return Reflect.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

module.exports = { lazy, lazyProperties }
