'use strict'

// Detached memory: a detached ArrayBuffer, a view of one, or a view that is out of bounds because its ArrayBuffer was made smaller.
// All of these look empty, but must not be taken for empty bytes.

const { isArrayBuffer, isTypedArray } = require('node:util').types

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype)

/**
 * Returns V8's own getter of a property: one that a value defines under the same name may return anything, or throw.
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

/** Maximum number of objects searched for detached memory: getters may create new ones without end. */
const MAX_LOOKS = 100_000

/**
 * True if a value is detached memory. For other memory this only reads the length.
 * @param {unknown} value
 * @returns {value is ArrayBufferView | ArrayBuffer}
 */
function isDetached(value) {
  if (ArrayBuffer.isView(value)) {
    // The methods of views throw for detached memory.
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
 * Names detached memory in messages.
 * @param {ArrayBufferView | ArrayBuffer} memory
 */
function describeDetached(memory) {
  if (!ArrayBuffer.isView(memory)) return 'a detached ArrayBuffer'
  const isTyped = isTypedArray(memory)
  const how = isDetached(isTyped ? bufferOf(memory) : bufferOfData(memory)) ? 'a detached' : 'an out-of-bounds'
  return `${how} ${Buffer.isBuffer(memory) ? 'Buffer' : isTyped ? tagOf(memory) : 'DataView'}`
}

/**
 * Returns the message for detached memory. lib/internal/clone-error.js and src/args.rs have the same text.
 * @param {string} name as in 'The "key" argument'
 * @param {ArrayBufferView | ArrayBuffer} memory
 */
function detachedMessage(name, memory) {
  const why = 'its memory was transferred, moved or resized away'
  return `${name} must not be detached or out of bounds: ${why}. Received ${describeDetached(memory)}`
}

/**
 * Returns a stand-in for detached memory among the arguments of native code (src/node/args.rs).
 * @param {ArrayBufferView | ArrayBuffer} memory
 */
function detachedMarker(memory) {
  return { 'offloop.lost': describeDetached(memory) }
}

/**
 * Finds detached memory in a value, as far as a structured clone would follow it. The path has the form `input.images[3]`.
 * @param {unknown} root
 * @param {string} name of the root
 * @returns {{ path: string, memory: ArrayBufferView | ArrayBuffer } | undefined}
 */
function findDetached(root, name) {
  /** @typedef {{ value: unknown, step: string, from: Found | undefined }} Found */
  /** @type {Found[]} */
  const queue = [{ value: root, step: name, from: undefined }]
  const seen = new Set()
  for (const found of queue) {
    const { value } = found
    if (isDetached(value)) return { path: pathOf(found), memory: value }
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) continue
    seen.add(value)
    try {
      for (const [step, child] of childrenOf(value)) {
        if (typeof child !== 'object' || child === null) continue
        if (queue.length === MAX_LOOKS) return undefined
        queue.push({ value: child, step, from: found })
      }
    } catch {
      // Getters and proxies that throw are not searched.
    }
  }
  return undefined
}

/** @param {{ step: string, from: any }} found */
function pathOf(found) {
  let path = ''
  for (let it = found; it !== undefined; it = it.from) path = it.step + path
  return path
}

/**
 * @param {object} value
 * @returns {Generator<[step: string, child: unknown]>}
 */
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

module.exports = { findDetached, isDetached, detachedMarker, detachedMessage, describeDetached }
