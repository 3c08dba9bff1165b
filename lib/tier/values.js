'use strict'

// Bodies of records: encoded values, compressed if they are large.

const { OffloopError } = require('../internal/errors')

/**
 * @typedef {import('./rules').Body} Body
 *
 * Compresses values away from the event loop.
 * @typedef {object} Compressor
 * @property {string} letter that identifies the format
 * @property {number} over size in bytes from which values are compressed
 * @property {(bytes: Uint8Array) => Promise<Uint8Array>} compress
 * @property {(bytes: Uint8Array) => Promise<Uint8Array>} decompress
 */

/** Letter of a body that is not compressed. */
const PLAIN = '-'

class Values {
  #codec
  #maxBytes
  #compressor

  /**
   * @param {{ codec: string, maxBytes: number, compressor?: Compressor | undefined }} options `codec`: letter of the encoding
   */
  constructor({ codec, maxBytes, compressor }) {
    this.#codec = codec
    this.#maxBytes = maxBytes
    this.#compressor = compressor
  }

  /**
   * Returns the body of a value, or `undefined` if the value is too large for the tier.
   * @param {Uint8Array} bytes
   * @returns {Promise<Body | undefined>}
   */
  async pack(bytes) {
    const compressor = this.#compressor
    if (compressor === undefined || bytes.byteLength < compressor.over) return this.#body(PLAIN, bytes)
    try {
      return this.#body(compressor.letter, await compressor.compress(bytes))
    } catch {
      // A full pool must not delay the value.
      return this.#body(PLAIN, bytes)
    }
  }

  /**
   * Returns the encoded value of a body. Throws if the body has another encoding.
   * @param {Body} body
   * @returns {Promise<Uint8Array> | Uint8Array}
   */
  unpack({ codec, compression, bytes }) {
    if (codec !== this.#codec) throw unreadable(`its codec is "${codec}", this cache uses "${this.#codec}"`)
    if (compression === PLAIN) return bytes
    if (compression === this.#compressor?.letter) return this.#compressor.decompress(bytes)
    throw unreadable(`its compression is "${compression}"`)
  }

  /**
   * @param {string} compression
   * @param {Uint8Array} bytes
   * @returns {Body | undefined}
   */
  #body(compression, bytes) {
    return bytes.byteLength > this.#maxBytes ? undefined : { codec: this.#codec, compression, bytes }
  }
}

/** @param {string} why */
function unreadable(why) {
  return new OffloopError('ERR_OFFLOOP_TIER', `The value in the tier cannot be read: ${why}`)
}

module.exports = { Values }
