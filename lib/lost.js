'use strict'

// Memory that is no longer there: an ArrayBuffer that was transferred, a view of one, or a view that ends beyond its ArrayBuffer
// because that was made smaller. All of it looks empty, and must not be taken for that.

const { isArrayBuffer, isTypedArray } = require('node:util').types

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype)

/**
 * The getter of a property by V8's word: own properties of the same name may say something else, or throw.
 * @param {object} prototype
 * @param {string | symbol} name
 * @returns {(memory: object) => any}
 */
function intrinsic(prototype, name) {
  const { get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, name))
  return memory => get?.call(memory)
}

const sizeOf = intrinsic(ArrayBuffer.prototype, 'byteLength')
const lengthOf = intrinsic(TypedArray, 'length')
const tagOf = intrinsic(TypedArray, Symbol.toStringTag)
const bufferOf = intrinsic(TypedArray, 'buffer')
const bufferOfData = intrinsic(DataView.prototype, 'buffer')
const sizeOfData = intrinsic(DataView.prototype, 'byteLength')
const { values } = TypedArray

/** Objects that are looked at for lost memory: getters may make new ones without end. */
const MAX_LOOKS = 100_000

/**
 * Whether a value is memory that is lost. Of memory that is there this reads the length and no more.
 * @param {unknown} value
 * @returns {value is ArrayBufferView | ArrayBuffer}
 */
function isLost(value) {
  if (ArrayBuffer.isView(value)) {
    // The methods of views refuse to work without memory.
    if (isTypedArray(value)) return lengthOf(value) === 0 && fails(() => values.call(value))
    return fails(() => sizeOfData(value))
  }
  return isArrayBuffer(value) && sizeOf(value) === 0 && fails(() => new Uint8Array(value))
}

/** @param {() => unknown} f */
function fails(f) {
  try {
    f()
    return false
  } catch {
    return true
  }
}

/**
 * What messages call it.
 * @param {ArrayBufferView | ArrayBuffer} lost
 */
function lostName(lost) {
  if (!ArrayBuffer.isView(lost)) return 'a detached ArrayBuffer'
  const isTyped = isTypedArray(lost)
  const how = isLost(isTyped ? bufferOf(lost) : bufferOfData(lost)) ? 'a detached' : 'an out-of-bounds'
  return `${how} ${Buffer.isBuffer(lost) ? 'Buffer' : isTyped ? tagOf(lost) : 'DataView'}`
}

/**
 * The one message for it. lib/lane/refusal.js and src/args.rs have the same text.
 * @param {string} name as in 'The "key" argument'
 * @param {ArrayBufferView | ArrayBuffer} lost
 */
function lostMessage(name, lost) {
  const why = 'its memory was transferred, moved or resized away'
  return `${name} must not be detached or out of bounds: ${why}. Received ${lostName(lost)}`
}

/**
 * Stands for it among the arguments of native code (src/node/args.rs).
 * @param {ArrayBufferView | ArrayBuffer} lost
 */
function lostMark(lost) {
  return { 'offloop.lost': lostName(lost) }
}

/**
 * Lost memory within a value, as far as a structured clone would follow it, and where it stands, as in `input.images[3]`.
 * @param {unknown} root
 * @param {string} name of the root
 * @returns {{ place: string, lost: ArrayBufferView | ArrayBuffer } | undefined}
 */
function findLost(root, name) {
  /** @typedef {{ value: unknown, step: string, from: Found | undefined }} Found */
  /** @type {Found[]} */
  const queue = [{ value: root, step: name, from: undefined }]
  const seen = new Set()
  for (const found of queue) {
    const { value } = found
    if (isLost(value)) return { place: placeOf(found), lost: value }
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) continue
    seen.add(value)
    try {
      for (const [step, child] of childrenOf(value)) {
        if (typeof child !== 'object' || child === null) continue
        if (queue.length === MAX_LOOKS) return undefined
        queue.push({ value: child, step, from: found })
      }
    } catch {
      // A getter or a proxy that throws is not what is looked for.
    }
  }
  return undefined
}

/** @param {{ step: string, from: any }} found */
function placeOf(found) {
  let place = ''
  for (let it = found; it !== undefined; it = it.from) place = it.step + place
  return place
}

/** @param {object} value @returns {Generator<[step: string, child: unknown]>} */
function* childrenOf(value) {
  if (value instanceof Map) {
    for (const [key, it] of value) {
      yield [`.get(${key instanceof Object ? 'an object' : String(key)})`, it]
      yield ['.keys()', key]
    }
  } else if (value instanceof Set) {
    for (const it of value) yield ['.values()', it]
  } else {
    const keys = Object.keys(value)
    if (value instanceof Error) keys.push('cause')
    for (const key of keys) {
      const step = Array.isArray(value) ? `[${key}]` : /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
      yield [step, Reflect.get(value, key)]
    }
  }
}

module.exports = { findLost, isLost, lostMark, lostMessage, lostName }
