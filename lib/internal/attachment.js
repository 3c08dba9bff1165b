'use strict'

/** Makes its argument the `this` of a derived class, so that the class adds its private fields to that object. */
class Same {
  /** @param {object} it */
  constructor(it) {
    // biome-ignore lint/correctness/noConstructorReturn: the derived class adds its private fields to the returned object.
    return it
  }
}

/**
 * Returns functions that attach values to objects of the program and read them. A private field is invisible to the program, does not
 * keep the object alive, and costs 20 ns; an entry of a WeakMap costs a microsecond or more.
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
     * Returns the attached value.
     * @param {object} object
     * @returns {Value | undefined}
     */
    static get(object) {
      return #value in object ? object.#value : undefined
    }

    /**
     * Attaches a value. Returns false if the object is frozen.
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
