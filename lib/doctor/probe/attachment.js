'use strict'

/** Returns its argument as `this` of a derived class. */
class Same {
  /** @param {object} it */
  constructor(it) {
    // biome-ignore lint/correctness/noConstructorReturn: a derived class adds its private fields to the object.
    return it
  }
}

/**
 * Returns the functions that attach values to objects of the program, which cannot see them. No table keeps the objects alive. An
 * entry of a WeakMap costs a microsecond or more, a private field 20 ns.
 * @template Value
 */
function attachment() {
  class Attached extends Same {
    /** @type {Value | undefined} */
    #value

    /**
     * @param {object} object
     * @param {Value | undefined} value
     */
    constructor(object, value) {
      super(object)
      this.#value = value
    }

    /**
     * @param {object} object
     * @returns {Value | undefined}
     */
    static get(object) {
      return #value in object ? object.#value : undefined
    }

    /**
     * Returns whether the value was attached: not to a frozen object.
     * @param {object} object
     * @param {Value | undefined} value
     */
    static set(object, value) {
      if (#value in object) object.#value = value
      else if (Object.isExtensible(object)) new Attached(object, value)
      else return false
      return true
    }
  }
  return { get: Attached.get, set: Attached.set }
}

module.exports = { Same, attachment }
