'use strict'

const { isUint8Array } = require('node:util').types
const { fieldsOf } = require('./fields')
const { maxInputBytes, readInput } = require('./input')
const { Task } = require('./task')
const { markCopy } = require('../internal/package-copy')
const { Transform } = require('../native/transform')

/**
 * How a transform runs.
 * @typedef {object} Implementation
 * @property {(context: import('./contract').TaskContext) => import('./contract').Runnable} createTask
 * @property {(input: unknown, index?: number) => unknown} read reads the named fields of an input, which runs their getters; the
 *   other members accept its result too
 * @property {(input: unknown, index?: number) => number} inputSize returns the maximum bytes that an input may need, or throws
 *   if the type of the input is wrong; `index` is that of the input in a bulk call
 * @property {boolean} acceptsBytes whether bytes or text are an input
 * @property {boolean} canBatch whether native code runs it on bytes, several inputs at a time
 * @property {boolean} [canBeBare] whether a submitted task needs only its promise, since its result arrives whole
 * @property {number} callerLimit number of tasks in flight from which the caller's stack is no longer captured
 * @property {readonly object[]} [steps] of a chain
 * @property {(next: Transform) => object} [append] returns this transform followed by a native one
 */

/** Above this many tasks in flight, capturing the caller would cost more than the rest of a small task. */
const CALLER_LIMIT = 64

/** Implementations of public transforms, which are frozen and expose nothing. @type {WeakMap<any, Implementation>} */
const implementations = new WeakMap()

/** @implements {Implementation} */
class NativeImplementation {
  #transform
  canBatch = true

  /** @param {Transform} transform */
  constructor(transform) {
    this.#transform = transform
    this.acceptsBytes = fieldsOf(transform)?.acceptsBytes ?? true
    this.callerLimit = Transform.canFail(transform) ? Infinity : 0
    this.canBeBare = !Transform.givesValue(transform)
  }

  /** @param {import('./contract').TaskContext} context */
  createTask(context) {
    return new Task(context, this.#transform)
  }

  /**
   * @param {unknown} input
   * @param {number} [index]
   */
  read(input, index) {
    // A shortcut for the usual input of bulk calls.
    if (this.acceptsBytes && isUint8Array(input)) return input
    return readInput(input, this.#transform, index)
  }

  /**
   * @param {unknown} input
   * @param {number} [index]
   */
  inputSize(input, index) {
    return maxInputBytes(this.read(input, index), index)
  }
}

/** A transform that runs in JavaScript, as users see it. */
class JsTransform {
  /** @param {string} name */
  constructor(name) {
    this.name = name
  }
}

markCopy(JsTransform)

/**
 * Creates a transform that runs in JavaScript.
 * @param {string} name
 * @param {Pick<Implementation, 'createTask' | 'inputSize'> & Partial<Implementation>} implementation
 * @param {JsTransform} [transform] one of a derived class
 * @returns {JsTransform}
 */
function defineTransform(name, implementation, transform = new JsTransform(name)) {
  const read = (/** @type {unknown} */ input) => input
  const defaults = { read, acceptsBytes: true, canBatch: false, callerLimit: CALLER_LIMIT }
  implementations.set(transform, { ...defaults, ...implementation })
  return Object.freeze(transform)
}

/**
 * Returns the implementation of a transform. Throws a TypeError for any other value.
 * @param {unknown} transform
 * @param {string} [name] of the argument
 * @returns {Implementation}
 */
function implementationOf(transform, name) {
  const known = implementations.get(transform)
  if (known !== undefined) return known
  Transform.handle(transform, name)
  const implementation = new NativeImplementation(/** @type {Transform} */ (transform))
  implementations.set(transform, implementation)
  return implementation
}

module.exports = { JsTransform, defineTransform, implementationOf }
