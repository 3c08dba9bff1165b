'use strict'

const native = require('.')
const { escapeLoneSurrogates } = require('../internal/lone-surrogates')
const { disposedError } = require('../internal/errors')
const { markCopy } = require('../internal/package-copy')
const { invalidThis, invalidType } = require('../internal/validate')

/** Drops native transforms when their JavaScript objects are collected. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.dropTransform(handle))

/** Encoders of text that UTF-8 cannot represent. @type {Record<string, ((text: string) => string) | undefined>} */
const TEXT_ENCODERS = { 'json.parse': escapeLoneSurrogates }

class Transform {
  #handle
  #canFail
  #acceptsText
  /** @type {((text: string) => string) | undefined} */
  #encodeText
  #returnsValue
  /** @type {string} */
  #firstStep
  #isDisposed = false

  /**
   * @param {import('./binding').TransformInfo} info
   * @param {Transform} [first] first step of a chain
   */
  constructor(info, first) {
    this.#handle = info.handle
    this.#canFail = info.canFail
    this.#acceptsText = info.acceptsText
    this.#encodeText = first === undefined ? TEXT_ENCODERS[info.name] : first.#encodeText
    this.#returnsValue = info.givesValue
    this.#firstStep = first === undefined ? info.name : first.#firstStep
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
   * Returns its handle in native code. Throws if the transform was disposed of.
   * @param {unknown} value
   * @param {string} [name] of the argument
   * @returns {number}
   */
  static handle(value, name = 'The "transform" argument') {
    if (!Transform.is(value)) throw invalidType(name, 'a transform made by offloop.transforms', value, hintFor(value))
    if (value.#isDisposed) throw disposedError(value.name)
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
   * Erases the key of a transform.
   * @param {unknown} value
   */
  static dispose(value) {
    if (!Transform.is(value)) throw invalidThis('Transform', value)
    value.#isDisposed = true
    native.disposeTransform(value.#handle)
  }

  /**
   * Whether an input of the right type can make it fail.
   * @param {Transform} transform
   */
  static canFail(transform) {
    return transform.#canFail
  }

  /**
   * Whether a string is an input.
   * @param {Transform} transform
   */
  static acceptsText(transform) {
    return transform.#acceptsText
  }

  /**
   * Returns the function that encodes a text, or a piece of one, before it becomes UTF-8; `undefined` for most transforms.
   * @param {Transform} transform
   */
  static textEncoder(transform) {
    return transform.#encodeText
  }

  /**
   * Returns its name, or that of its first step if it is a chain.
   * @param {Transform} transform
   */
  static firstStep(transform) {
    return transform.#firstStep
  }

  /**
   * Whether its stream results in one value instead of bytes or text.
   * @param {Transform} transform
   */
  static givesValue(transform) {
    return transform.#returnsValue
  }
}

markCopy(Transform)

/** Public factories of transforms. @type {WeakSet<Function>} */
const knownFactories = new WeakSet()

/** Returns the remedy for a value in place of a transform. @param {unknown} value */
function hintFor(value) {
  if (typeof value !== 'function') return undefined
  if (knownFactories.has(value)) return 'This is the factory of a transform: call it'
  return 'To run a function, export it from a module, and pass the module to transforms.worker()'
}

/** A transform that holds a key. */
class SecretTransform extends Transform {
  [Symbol.dispose]() {
    Transform.dispose(this)
  }
}

/**
 * Returns the transform of a name, made with the arguments of its factory.
 * @param {string} name
 * @param {unknown[]} args
 */
function createTransform(name, args) {
  const info = native.createTransform(name, args)
  return info.holdsSecret ? new SecretTransform(info) : new Transform(info)
}

module.exports = { Transform, createTransform, knownFactories }
