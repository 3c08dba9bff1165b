'use strict'

const { isSharedArrayBuffer } = require('node:util').types
const { bufferOf, lengthOf, offsetOf } = require('../internal/typed-array')
const { withCode } = require('../internal/errors')
const { checkMemory } = require('../internal/validate')

/**
 * Yields pieces to copy; resumed with the number of bytes copied.
 * @typedef {Generator<Uint8Array, void, number>} Pieces
 */

/** Bytes copied in a step. */
const PIECE_BYTES = 1 << 20

/**
 * Throws if bytes were detached or resized.
 * @param {Uint8Array} bytes
 * @param {number} length their length when the call was made
 * @param {string} [name] of the argument, in messages
 */
function checkLength(bytes, length, name = 'input') {
  if (lengthOf(bytes) === length) return
  checkMemory(`The "${name}" argument`, bytes)
  const message = `The ${name} changed its length from ${length} to ${lengthOf(bytes)} bytes while it was being copied`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * Yields bytes in pieces that are copied in one step each.
 * @param {Uint8Array} bytes
 * @param {number} length their length when the call was made
 * @param {string} [name] of the argument, in messages
 * @returns {Generator<Uint8Array, undefined>}
 */
function* bytePieces(bytes, length, name) {
  const isShared = isSharedArrayBuffer(bufferOf(bytes))
  for (let offset = 0; offset < length; offset += PIECE_BYTES) {
    checkLength(bytes, length, name)
    // `subarray` would call the constructor of the input's class.
    const piece = new Uint8Array(bufferOf(bytes), offsetOf(bytes) + offset, Math.min(PIECE_BYTES, length - offset))
    yield isShared ? new Uint8Array(piece) : piece
  }
}

module.exports = { bytePieces, checkLength }
