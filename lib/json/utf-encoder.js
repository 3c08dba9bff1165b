'use strict'

/** Code units of a string that are encoded at a time. */
const PIECE_LENGTH = 1 << 18
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
/** UTF-8 needs at most this many bytes for a UTF-16 code unit. */
const MAX_UTF8 = 3

/** Code units of a string from which the size of its UTF-8 is estimated. */
const SAMPLE_LENGTH = 1 << 14

/** Holds the current piece, which is copied before the next one is encoded. @type {Buffer | undefined} */
let scratch

/**
 * Encodes text as UTF-8. The bytes are valid until the next call.
 * @param {string} text
 * @returns {Uint8Array}
 */
function encodeUtf8(text) {
  if (text.length > PIECE_LENGTH) return Buffer.from(text)
  scratch ??= Buffer.allocUnsafeSlow(PIECE_LENGTH * MAX_UTF8)
  return scratch.subarray(0, scratch.write(text))
}

/**
 * Encodes the elements of a list with a comma before them, unless they are the first. The bytes are valid until the next call.
 * @param {string} list
 * @param {boolean} isFirst
 */
function encodeElements(list, isFirst) {
  const bytes = encodeUtf8(list)
  if (isFirst) return bytes.subarray(1, -1)
  bytes[0] = COMMA
  return bytes.subarray(0, -1)
}

/**
 * Encodes members of an object, with a comma before them unless they are the first. The bytes are valid until the next call.
 * @param {string} list that alternates names and leaves
 * @param {boolean} isFirst
 */
function encodeMembers(list, isFirst) {
  const bytes = encodeElements(list, isFirst)
  for (let index = isFirst ? 0 : 1; index < bytes.length; index++) {
    index = stringEnd(bytes, index)
    bytes[index++] = COLON
    if (bytes[index] === QUOTE) index = stringEnd(bytes, index)
    else while (index < bytes.length && bytes[index] !== COMMA) index++
  }
  return bytes
}

/**
 * Returns the index after a string of JSON.
 * @param {Uint8Array} bytes
 * @param {number} start index of its opening quote
 */
function stringEnd(bytes, start) {
  let index = start + 1
  while (bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1
  return index + 1
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
  for (let start = 0, end; start < text.length; start = end) {
    end = pieceEnd(text, start)
    const piece = text.slice(start, end)
    yield encodeUtf8(encodeText?.(piece) ?? piece)
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

module.exports = { MAX_UTF8, encodeElements, encodeMembers, encodeUtf8, estimateUtf8, isHighSurrogate, textPieces }
