'use strict'

// What a Uint8Array is, by V8's word: an own property of the same name may say something else.

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype)

/**
 * @template T
 * @param {string} name
 * @returns {(bytes: Uint8Array) => T}
 */
function intrinsic(name) {
  const { get } = /** @type {{ get: () => T }} */ (Object.getOwnPropertyDescriptor(TypedArray, name))
  return bytes => get.call(bytes)
}

const lengthOf = /** @type {typeof intrinsic<number>} */ (intrinsic)('byteLength')
const offsetOf = /** @type {typeof intrinsic<number>} */ (intrinsic)('byteOffset')
const bufferOf = /** @type {typeof intrinsic<ArrayBufferLike>} */ (intrinsic)('buffer')

module.exports = { bufferOf, lengthOf, offsetOf }
