'use strict'

const { createHash } = require('node:crypto')

/** Longest encoded id, in bytes. Longer ids are hashed. */
const MAX_LENGTH = 200

/**
 * Encodes an id for the key of its record, without collisions: ids of different types differ, and so do strings with lone
 * surrogates. Long ids are replaced by their SHA-256.
 * @param {string | number | bigint} id
 */
function encodeId(id) {
  const text = textOf(id)
  if (text.length * 3 <= MAX_LENGTH || Buffer.byteLength(text) <= MAX_LENGTH) return text
  return `h:${createHash('sha256').update(text).digest('base64url')}`
}

/** @param {string | number | bigint} id */
function textOf(id) {
  if (typeof id === 'bigint') return `i:${id}`
  // -0 and 0 are one id, as in a Map.
  if (typeof id === 'number') return `n:${id}`
  return /** @type {any} */ (id).isWellFormed() ? `s:${id}` : `u:${Buffer.from(id, 'utf16le').toString('base64url')}`
}

/**
 * Returns the id of a key, or `undefined` if the key is a hash.
 * @param {string} key
 * @returns {string | number | bigint | undefined}
 */
function decodeId(key) {
  const text = key.slice(2)
  switch (key.slice(0, 2)) {
    case 's:':
      return text
    case 'n:':
      return Number(text)
    case 'i:':
      return BigInt(text)
    case 'u:':
      return Buffer.from(text, 'base64url').toString('utf16le')
    default:
      return undefined
  }
}

module.exports = { decodeId, encodeId }
