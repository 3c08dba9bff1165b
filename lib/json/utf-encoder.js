'use strict'

/** @typedef {Uint8Array | Uint16Array} Piece UTF-8, or whole characters of UTF-16 */

/** Code units of a string that are encoded at a time. */
const PIECE_LENGTH = 1 << 18
const BACKSLASH = 0x5c
/** UTF-8 needs at most this many bytes for a UTF-16 code unit. */
const MAX_UTF8 = 3

/** Code units of a string from which the size of its UTF-8 is estimated. */
const SAMPLE_LENGTH = 1 << 14

/** Holds the current piece, which is copied before the next one is encoded. @type {Buffer | undefined} */
let scratch

/** Encodes text as UTF-8, which is fast for ASCII, and as UTF-16 after the first piece that is not ASCII. */
class UtfEncoder {
  #isUtf16 = false

  /**
   * The piece is valid until the next call.
   * @param {string} text
   * @returns {Piece}
   */
  encode(text) {
    if (text.length > PIECE_LENGTH) return Buffer.from(text)
    scratch ??= Buffer.allocUnsafeSlow(PIECE_LENGTH * MAX_UTF8)
    if (this.#isUtf16) return new Uint16Array(scratch.buffer, 0, scratch.write(text, 'utf16le') / 2)
    const length = scratch.write(text)
    this.#isUtf16 = length > text.length
    return scratch.subarray(0, length)
  }
}

/** Returns the bytes that a text needs as UTF-8, estimated from its beginning if it is long. @param {string} text */
function estimateUtf8(text) {
  if (text.length <= SAMPLE_LENGTH) return Buffer.byteLength(text)
  return Math.ceil((text.length / SAMPLE_LENGTH) * Buffer.byteLength(text.slice(0, SAMPLE_LENGTH)))
}

/**
 * @param {string} text
 * @param {(text: string) => string} [encodeText]
 */
function* textPieces(text, encodeText) {
  const encoder = new UtfEncoder()
  for (let start = 0, end; start < text.length; start = end) {
    end = pieceEnd(text, start)
    const piece = text.slice(start, end)
    yield encoder.encode(encodeText?.(piece) ?? piece)
  }
}

/**
 * Returns the end of the piece that begins at `start`. Cuts neither a pair of surrogates nor an escape.
 * @param {string} text
 * @param {number} start
 */
function pieceEnd(text, start) {
  const end = start + PIECE_LENGTH
  if (end >= text.length) return text.length
  if (isHighSurrogate(text.charCodeAt(end - 1)) && isLowSurrogate(text.charCodeAt(end))) return end - 1
  let backslashes = 0
  while (backslashes < PIECE_LENGTH && text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
  return end - (backslashes % 2)
}

/** @param {number} unit */
function isHighSurrogate(unit) {
  return (unit & 0xfc00) === 0xd800
}

/** @param {number} unit */
function isLowSurrogate(unit) {
  return (unit & 0xfc00) === 0xdc00
}

module.exports = { MAX_UTF8, UtfEncoder, estimateUtf8, isHighSurrogate, textPieces }
