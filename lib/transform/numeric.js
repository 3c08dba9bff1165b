'use strict'

const { defineTransform } = require('../task/implementation')
const { inputName, maxInputBytes, unwrap } = require('../task/input')
const native = require('../native')
const { Task } = require('../task/task')
const { nativeArgument } = require('../native/argument')
const { Transform } = require('../native/transform')
const { nearest } = require('./nearest')
const { checkMemory, invalidType } = require('../internal/validate')

/** The typed-array classes, with their native names. */
const ARRAYS = {
  Float64Array: { Class: Float64Array, nativeName: 'f64' },
  Float32Array: { Class: Float32Array, nativeName: 'f32' },
  Int32Array: { Class: Int32Array, nativeName: 'i32' },
  Uint32Array: { Class: Uint32Array, nativeName: 'u32' },
  Int16Array: { Class: Int16Array, nativeName: 'i16' },
  Uint16Array: { Class: Uint16Array, nativeName: 'u16' },
  Int8Array: { Class: Int8Array, nativeName: 'i8' },
  Uint8Array: { Class: Uint8Array, nativeName: 'u8' },
  BigInt64Array: { Class: BigInt64Array, nativeName: 'i64' },
  BigUint64Array: { Class: BigUint64Array, nativeName: 'u64' }
}
const { get: tagOf } = /** @type {PropertyDescriptor} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
)

/**
 * @typedef {keyof typeof ARRAYS} ArrayName name of a typed-array class
 * @typedef {(bytes: Buffer, name: ArrayName) => unknown} Decode
 */

/** One public transform: a native one for each typed-array class. */
class NumericTransforms {
  #create
  /** @type {Map<ArrayName, Transform>} */
  #transforms = new Map()

  /**
   * @param {readonly ArrayName[]} names
   * @param {(name: ArrayName) => Transform} create
   * @param {Decode} decode
   */
  constructor(names, create, decode) {
    this.names = names
    this.decode = decode
    this.#create = create
    // Reports invalid arguments now.
    this.get(names[0])
  }

  /** @param {ArrayName} name */
  get(name) {
    const transform = this.#transforms.get(name) ?? this.#create(name)
    this.#transforms.set(name, transform)
    return transform
  }

  /**
   * Returns the class of an input.
   * @param {unknown} input
   * @param {number} [index] in a bulk call
   * @returns {ArrayName}
   */
  nameOf(input, index) {
    const value = unwrap(input)
    const name = ArrayBuffer.isView(value) ? tagOf?.call(value) : undefined
    if (this.names.includes(name)) return name
    throw invalidType(inputName(index), `an instance of ${this.names.join(', ')}`, value)
  }
}

/** One typed array on its way through a pool. */
class NumericTask {
  #context
  #transforms
  /** @type {Task | undefined} */
  #task

  /**
   * @param {import('../task/contract').TaskContext} context
   * @param {NumericTransforms} transforms
   */
  constructor(context, transforms) {
    this.#context = context
    this.#transforms = transforms
  }

  /**
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   */
  submit(input, reservation) {
    const context = this.#context
    const transforms = this.#transforms
    const name = transforms.nameOf(input)
    const isBuffer = Buffer.isBuffer(unwrap(input))
    const resolve = (/** @type {Buffer} */ bytes) => {
      const value = transforms.decode(bytes, name)
      // The result for a Buffer is a Buffer.
      context.resolve(isBuffer && value instanceof Uint8Array ? bufferOf(value) : value)
    }
    this.#task = new Task({ ...context, resolve }, transforms.get(name))
    return this.#task.submit(input, reservation)
  }

  /** @param {unknown} input */
  maxBytes(input) {
    return maxInputBytes(input)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.#task?.abort(reason)
  }
}

/**
 * @param {string} name
 * @param {NumericTransforms} transforms
 */
function define(name, transforms) {
  return defineTransform(name, {
    createTask: context => new NumericTask(context, transforms),
    inputSize(input, index) {
      transforms.nameOf(input, index)
      return maxInputBytes(input, index)
    },
    acceptsBytes: false
  })
}

/** @param {Uint8Array} bytes */
function bufferOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/**
 * Returns bytes as a typed array. They are copied only if they are not aligned.
 * @param {Buffer} bytes
 * @param {ArrayName} name
 */
function viewAs(bytes, name) {
  const Class = /** @type {any} */ (ARRAYS[name].Class)
  const size = Class.BYTES_PER_ELEMENT
  const aligned =
    bytes.byteOffset % size === 0 && bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
  return new Class(aligned.buffer, aligned.byteOffset, aligned.byteLength / size)
}

/** @param {Buffer} bytes */
function doubles(bytes) {
  return viewAs(bytes, 'Float64Array')
}

const ALL = /** @type {ArrayName[]} */ (Object.keys(ARRAYS))

/**
 * @param {string} name
 * @param {unknown[]} args
 * @param {Decode} decode
 */
function forAllArrays(name, args, decode) {
  const given = args.map(nativeArgument)
  const create = (/** @type {ArrayName} */ array) =>
    new Transform(native.createTransform(name, [ARRAYS[array].nativeName, ...given]))
  return define(name, new NumericTransforms(ALL, create, decode))
}

/** @param {unknown} [options] */
function sort(options) {
  return forAllArrays('numeric.sort', [options], viewAs)
}

/** @param {any} [options] */
function stats(options) {
  return forAllArrays('numeric.stats', [listOption(options, 'quantiles')], bytes => {
    const [count, mean, stddev, min, max, ...quantiles] = doubles(bytes)
    return { count, mean, stddev, min, max, quantiles: Float64Array.from(quantiles) }
  })
}

/** @param {any} options */
function histogram(options) {
  return forAllArrays('numeric.histogram', [listOption(options, 'range')], bytes => {
    const numbers = doubles(bytes)
    const bins = (numbers.length - 1) / 2
    return { edges: numbers.slice(0, bins + 1), counts: numbers.slice(bins + 1) }
  })
}

/**
 * Converts an option that may be a typed array to a list.
 * @param {any} options
 * @param {string} name
 */
function listOption(options, name) {
  const list = options?.[name]
  checkMemory(`The "options.${name}" property`, list)
  return ArrayBuffer.isView(list) ? { ...options, [name]: Array.from(/** @type {any} */ (list)) } : options
}

module.exports = { numeric: { sort, stats, histogram, nearest } }
