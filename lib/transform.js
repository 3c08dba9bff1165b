'use strict'

const native = require('./native')
const { invalidType } = require('./validate')

/** Native transforms are forgotten when JavaScript has forgotten them. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.dropTransform(handle))

class Transform {
  #number
  #canFail

  /** @param {import('./binding').TransformInfo} info */
  constructor(info) {
    this.#number = info.handle
    this.#canFail = info.canFail
    /** @type {string} */
    this.name = info.name
    if (info.streaming) {
      /** @type {true | undefined} */
      this.streaming = true
    }
    registry.register(this, info.handle)
    Object.freeze(this)
  }

  /**
   * What native code calls it.
   * @param {unknown} value
   * @returns {number}
   */
  static number(value) {
    if (value === null || typeof value !== 'object' || !(#number in value)) {
      const missing = typeof value === 'function' ? ', not the factory of one: call it' : ''
      throw invalidType('The "transform" argument', `a transform made by offloop.transforms${missing}`, value)
    }
    return value.#number
  }

  /**
   * Whether an input of the right type can make it fail.
   * @param {Transform} transform
   */
  static canFail(transform) {
    return transform.#canFail
  }
}

module.exports = { Transform }
