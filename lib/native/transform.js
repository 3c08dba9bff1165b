'use strict'

const native = require('.')
const { escapeLoneSurrogates } = require('../internal/lone-surrogates')
const { invalidType } = require('../internal/validate')

/** Drops native transforms when their JavaScript objects are collected. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.dropTransform(handle))

/** Encoders of text that UTF-8 cannot represent. @type {Record<string, ((text: string) => string) | undefined>} */
const TEXT_ENCODERS = { 'json.parse': escapeLoneSurrogates }

class Transform {
  #handle
  #canFail
  /** @type {((text: string) => string) | undefined} */
  #encodeText
  #returnsValue

  /**
   * @param {import('./binding').TransformInfo} info
   * @param {Transform} [first] first step of a chain
   */
  constructor(info, first) {
    this.#handle = info.handle
    this.#canFail = info.canFail
    this.#encodeText = first === undefined ? TEXT_ENCODERS[info.name] : first.#encodeText
    this.#returnsValue = info.givesValue
    /** @type {string} */
    this.name = info.name
    if (info.streaming) {
      /** @type {true | undefined} */
      this.streaming = true
    }
    registry.register(this, info.handle, this)
    Object.freeze(this)
  }

  /**
   * @param {unknown} value
   * @returns {value is Transform}
   */
  static is(value) {
    return typeof value === 'object' && value !== null && #handle in value
  }

  /**
   * Returns its handle in native code.
   * @param {unknown} value
   * @returns {number}
   */
  static handle(value) {
    if (!Transform.is(value)) {
      const hint = typeof value === 'function' ? ', not the factory of one: call it' : ''
      throw invalidType('The "transform" argument', `a transform made by offloop.transforms${hint}`, value)
    }
    return value.#handle
  }

  /**
   * Drops the native transform now; tasks that native code has received still finish.
   * @param {Transform} transform
   */
  static drop(transform) {
    registry.unregister(transform)
    native.dropTransform(transform.#handle)
  }

  /**
   * Whether an input of the right type can make it fail.
   * @param {Transform} transform
   */
  static canFail(transform) {
    return transform.#canFail
  }

  /**
   * Returns the function that encodes a text, or a piece of one, before it becomes UTF-8; `undefined` for most transforms.
   * @param {Transform} transform
   */
  static textEncoder(transform) {
    return transform.#encodeText
  }

  /**
   * Whether its stream results in one value instead of bytes or text.
   * @param {Transform} transform
   */
  static givesValue(transform) {
    return transform.#returnsValue
  }
}

module.exports = { Transform }
