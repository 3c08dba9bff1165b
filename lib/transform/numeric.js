'use strict'

const { Moved, inputName } = require('../task/input')
const native = require('../native')
const { Task } = require('../task/task')
const { Transform } = require('../native/transform')
const { checkMemory, invalidType } = require('../internal/validate')

/** Names of the classes of typed arrays in native code. */
const NATIVE_TYPES = {
  Float64Array: 'f64',
  Float32Array: 'f32',
  Int32Array: 'i32',
  Uint32Array: 'u32',
  Int16Array: 'i16',
  Uint16Array: 'u16',
  Int8Array: 'i8',
  Uint8Array: 'u8',
  BigInt64Array: 'i64',
  BigUint64Array: 'u64'
}
const ARRAYS = { Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array, Uint8Array }
const WIDE = { BigInt64Array, BigUint64Array }
const { get: tagOf } = /** @type {PropertyDescriptor} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
)

/**
 * @typedef {keyof typeof NATIVE_TYPES} ArrayName of a class of typed arrays
 * @typedef {(bytes: Buffer, name: ArrayName) => unknown} Decode
 * @typedef {{ name: string, arrays: readonly ArrayName[], make: (name: ArrayName) => Transform, decode: Decode }} Spec
 */

/** A transform of typed arrays: a native one for each class of them. */
class NumericTransform {
  /** @type {Spec} */
  #spec

  /** @param {unknown} value @returns {value is NumericTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #spec in value
  }

  /** @type {Map<ArrayName, Transform>} */
  #natives = new Map()

  /** @param {Spec} spec */
  constructor(spec) {
    this.#spec = spec
    this.name = spec.name
    // What is wrong with its arguments is told now.
    NumericTransform.nativeOf(this, spec.arrays[0])
    Object.freeze(this)
  }

  /** @param {NumericTransform} transform @param {ArrayName} name @returns {Transform} */
  static nativeOf(transform, name) {
    let found = transform.#natives.get(name)
    if (found === undefined) {
      found = transform.#spec.make(name)
      transform.#natives.set(name, found)
    }
    return found
  }

  /**
   * The class of an input.
   * @param {NumericTransform} transform
   * @param {unknown} input
   * @param {number} [index] if it is one of many
   * @returns {ArrayName}
   */
  static arrayNameOf(transform, input, index) {
    const value = Moved.is(input) ? input.value : input
    const name = ArrayBuffer.isView(value) ? tagOf?.call(value) : undefined
    const { arrays } = transform.#spec
    if (!arrays.includes(name)) throw invalidType(inputName(index), `an instance of ${arrays.join(', ')}`, value)
    return name
  }

  /** @param {NumericTransform} transform @param {Buffer} bytes @param {ArrayName} name */
  static decode(transform, bytes, name) {
    return transform.#spec.decode(bytes, name)
  }
}

/** A typed array on its way. */
class NumericTask {
  #task
  #transform
  /** @type {ArrayName} */
  #name = 'Float64Array'
  #isBuffer = false

  /**
   * @param {import('../task/contract').TaskPool} pool
   * @param {NumericTransform} transform
   * @param {number} priority
   * @param {(value: any) => void} resolve
   * @param {(reason: unknown) => void} reject
   * @param {{ stack?: string } | undefined} caller
   */
  constructor(pool, transform, priority, resolve, reject, caller) {
    this.#transform = transform
    const decode = (/** @type {Buffer} */ bytes) => {
      const value = NumericTransform.decode(transform, bytes, this.#name)
      // A Buffer comes back as one.
      resolve(this.#isBuffer && value instanceof Uint8Array ? bufferOf(value) : value)
    }
    this.#task = new Task(pool, priority, decode, reject, caller)
  }

  /** @param {unknown} _transform @param {unknown} input @param {import('../native/reservation').Reservation} reservation */
  submit(_transform, input, reservation) {
    this.#name = NumericTransform.arrayNameOf(this.#transform, input)
    this.#isBuffer = Buffer.isBuffer(Moved.is(input) ? input.value : input)
    return this.#task.submit(NumericTransform.nativeOf(this.#transform, this.#name), input, reservation)
  }

  /** @param {AbortSignal} signal not aborted yet */
  watch(signal) {
    this.#task.watch(signal)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.#task.abort(reason)
  }
}

/** @param {Uint8Array} bytes */
function bufferOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/**
 * Bytes as an array of a class. They are copied only where they lie askew.
 * @param {Buffer} bytes
 * @param {ArrayName} name
 */
function viewAs(bytes, name) {
  const Class = /** @type {any} */ ({ ...ARRAYS, ...WIDE })[name]
  const size = Class.BYTES_PER_ELEMENT
  const aligned =
    bytes.byteOffset % size === 0 && bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
  return new Class(aligned.buffer, aligned.byteOffset, aligned.byteLength / size)
}

/** @param {Buffer} bytes @returns {Float64Array} */
function doubles(bytes) {
  return viewAs(bytes, 'Float64Array')
}

const ALL = /** @type {ArrayName[]} */ (Object.keys(NATIVE_TYPES))

/**
 * @param {string} name
 * @param {unknown[]} args
 * @param {Decode} decode
 */
function forAllArrays(name, args, decode) {
  /** @param {ArrayName} kind */
  const make = kind => new Transform(native.createTransform(name, [NATIVE_TYPES[kind], ...args]))
  return new NumericTransform({ name, arrays: ALL, make, decode })
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

/** @param {unknown} query @param {unknown} options */
function nearest(query, options) {
  if (!(query instanceof Float32Array)) throw invalidType('The "query" argument', 'an instance of Float32Array', query)
  checkMemory('The "query" argument', query)
  const bytes = new Uint8Array(query.buffer, query.byteOffset, query.byteLength).slice()
  const made = new Transform(native.createTransform('numeric.nearest', [bytes, options]))
  return new NumericTransform({
    name: 'numeric.nearest',
    arrays: ['Float32Array'],
    make: () => made,
    decode: bytes => {
      const numbers = doubles(bytes)
      return Array.from({ length: numbers.length / 2 }, (_, row) => ({
        index: numbers[2 * row],
        score: numbers[2 * row + 1]
      }))
    }
  })
}

/** Options of which one may be a typed array as well as a list. @param {any} options @param {string} name */
function listOption(options, name) {
  const list = options?.[name]
  checkMemory(`The "options.${name}" property`, list)
  return ArrayBuffer.isView(list) ? { ...options, [name]: Array.from(/** @type {any} */ (list)) } : options
}

module.exports = { NumericTransform, NumericTask, numeric: Object.freeze({ sort, stats, histogram, nearest }) }
