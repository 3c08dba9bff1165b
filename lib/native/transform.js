'use strict'

const native = require('.')
const { escapeLone } = require('../internal/lone-surrogates')
const { invalidType } = require('../internal/validate')

/** Native transforms are forgotten when JavaScript has forgotten them. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.dropTransform(handle))

/** UTF-8 cannot spell every string. @type {Record<string, ((text: string) => string) | undefined>} */
const SPELLING = { 'json.parse': escapeLone }

class Transform {
  #number
  #canFail
  /** @type {((text: string) => string) | undefined} */
  #spell
  #givesValue

  /**
   * @param {import('./binding').TransformInfo} info
   * @param {Transform} [first] its first step, if it is a chain
   */
  constructor(info, first) {
    this.#number = info.handle
    this.#canFail = info.canFail
    this.#spell = first === undefined ? SPELLING[info.name] : first.#spell
    this.#givesValue = info.givesValue
    /** @type {string} */
    this.name = info.name
    if (info.streaming) {
      /** @type {true | undefined} */
      this.streaming = true
    }
    registry.register(this, info.handle)
    Object.freeze(this)
  }

  /** @param {unknown} value @returns {value is Transform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #number in value
  }

  /**
   * What native code calls it.
   * @param {unknown} value
   * @returns {number}
   */
  static number(value) {
    if (!Transform.is(value)) {
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

  /**
   * What becomes of a text, or of a piece of one, before it becomes UTF-8; nothing for most transforms.
   * @param {Transform} transform
   */
  static spelling(transform) {
    return transform.#spell
  }

  /**
   * Whether its stream ends with one value, and has no bytes or text.
   * @param {Transform} transform
   */
  static givesValue(transform) {
    return transform.#givesValue
  }
}

module.exports = { Transform }
