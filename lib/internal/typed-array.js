'use strict'

// Sizes and memory of bytes, read with V8's own getters: those that a value defines may return anything, or throw.

const { isArrayBuffer, isDataView, isSharedArrayBuffer, isTypedArray } = require('node:util').types

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype)

/**
 * @template T
 * @param {object} prototype
 * @param {string} name of a getter
 * @returns {(bytes: any) => T}
 */
function intrinsic(prototype, name) {
  const { get } = /** @type {{ get: () => T }} */ (Object.getOwnPropertyDescriptor(prototype, name))
  return bytes => get.call(bytes)
}

const number = /** @type {typeof intrinsic<number>} */ (intrinsic)
const memory = /** @type {typeof intrinsic<ArrayBufferLike>} */ (intrinsic)

// For typed arrays.
const lengthOf = number(TypedArray, 'byteLength')
const offsetOf = number(TypedArray, 'byteOffset')
const bufferOf = memory(TypedArray, 'buffer')

// For a DataView. Its sizes throw if the memory is detached, or has shrunk too far.
const viewLength = number(DataView.prototype, 'byteLength')
const viewOffset = number(DataView.prototype, 'byteOffset')
const viewBuffer = memory(DataView.prototype, 'buffer')

const plainLength = number(ArrayBuffer.prototype, 'byteLength')
const sharedLength = number(SharedArrayBuffer.prototype, 'byteLength')

/** Returns the memory behind a view. @param {ArrayBufferView} view */
function memoryOf(view) {
  return isDataView(view) ? viewBuffer(view) : bufferOf(view)
}

/** Returns the size of a buffer in bytes. @param {ArrayBufferLike} buffer */
function sizeOfMemory(buffer) {
  return isArrayBuffer(buffer) ? plainLength(buffer) : sharedLength(buffer)
}

/** Returns a view as bytes. Throws a TypeError for a DataView of detached memory. @param {ArrayBufferView} view */
function bytesOf(view) {
  if (isDataView(view)) return new Uint8Array(viewBuffer(view), viewOffset(view), viewLength(view))
  return new Uint8Array(bufferOf(view), offsetOf(view), lengthOf(view))
}

/**
 * Returns the size of a buffer or view in bytes: 0 for any other value, and for detached memory.
 * @param {unknown} value
 */
function sizeOfBytes(value) {
  if (isTypedArray(value)) return lengthOf(value)
  if (isArrayBuffer(value) || isSharedArrayBuffer(value)) return sizeOfMemory(value)
  if (!isDataView(value)) return 0
  try {
    return viewLength(value)
  } catch {
    return 0
  }
}

module.exports = { bufferOf, bytesOf, lengthOf, memoryOf, offsetOf, sizeOfBytes, sizeOfMemory }
