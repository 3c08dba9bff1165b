'use strict'

// The format of the copies in a process: the version of the value in the tier, then the encoded value.

const { isUint8Array } = require('node:util').types
const { encode } = require('../cache/codec')
const { checkStorable } = require('../cache/options')
const { isDetached } = require('../internal/detached')

/** @typedef {{ encode(value: any): Uint8Array, decode(bytes: Buffer): any, copies?: boolean }} Codec */

const VERSION_LENGTH = 12
/** Version of a value that is not in the tier. */
const LOCAL = '-'.repeat(VERSION_LENGTH)

/** Encodes values that are not in the tier, and decodes all copies. @implements {Codec} */
class CopyCodec {
  #codec

  /** @param {Codec} codec of the values */
  constructor(codec) {
    this.#codec = codec
    this.copies = codec.copies === true
  }

  /** @param {unknown} value */
  encode(value) {
    const bytes = this.#codec.encode(value)
    // The caller refuses the result of a faulty codec.
    return isUint8Array(bytes) && !isDetached(bytes) ? copyOf(LOCAL, bytes) : bytes
  }

  /** @param {Buffer} copy */
  decode(copy) {
    return this.#codec.decode(bytesOf(copy))
  }
}

/**
 * Encodes a value as bytes that others cannot change.
 * @param {Codec} codec
 * @param {import('../../index').CacheId} id
 * @param {unknown} value
 */
function encodeOwn(codec, id, value) {
  checkStorable(id, value)
  const bytes = encode(codec, id, value)
  return codec.copies ? bytes : Buffer.from(bytes)
}

/**
 * Returns a copy of a value in the tier.
 * @param {string} version
 * @param {Uint8Array} bytes
 */
function copyOf(version, bytes) {
  const copy = Buffer.allocUnsafe(VERSION_LENGTH + bytes.byteLength)
  copy.write(version, 0, 'latin1')
  copy.set(bytes, VERSION_LENGTH)
  return copy
}

/** @param {Buffer} copy */
function versionOf(copy) {
  return copy.toString('latin1', 0, VERSION_LENGTH)
}

/** Returns the encoded value of a copy. @param {Buffer} copy */
function bytesOf(copy) {
  return copy.subarray(VERSION_LENGTH)
}

module.exports = { CopyCodec, bytesOf, copyOf, encodeOwn, versionOf }
