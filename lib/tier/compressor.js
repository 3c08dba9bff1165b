'use strict'

// Compression of values on the threads of a pool.

const { Pool, pool: sharedPool } = require('../pool')
const { checkInteger, checkOptions, formatValue, invalidType, invalidValue } = require('../internal/validate')
const { transforms } = require('../transform')

/** @typedef {import('./values').Compressor} Compressor */

const OPTIONS = ['over', 'with', 'level', 'pool']
/** Letters of the formats in records. */
const LETTERS = { lz4: 'l', zstd: 'z' }
/** Default size from which values are compressed, in bytes. */
const OVER = 4096
/** Maximum size of a decompressed value, as a multiple of the largest value that the tier takes: a small value may expand to gigabytes. */
const EXPANSION = 16

/**
 * Reads the option `compress` of a tier.
 * @param {any} compress
 * @param {number} maxValueBytes
 * @returns {Compressor | undefined}
 */
function compressorOf(compress, maxValueBytes) {
  if (compress === undefined || compress === false) return undefined
  if (typeof compress !== 'object' || compress === null) {
    throw invalidType('The "options.compress" property', 'false or of type object', compress)
  }
  checkOptions(compress, OPTIONS, 'options.compress')
  const { over = OVER, with: format = 'zstd', level = 1, pool = sharedPool } = compress
  checkInteger('options.compress.over', over, 0, Number.MAX_SAFE_INTEGER)
  if (!Object.hasOwn(LETTERS, format)) {
    throw invalidValue(
      `The "options.compress.with" property must be one of 'lz4', 'zstd'. Received ${formatValue(format)}`
    )
  }
  if (!(pool instanceof Pool)) throw invalidType('The "options.compress.pool" property', 'an instance of Pool', pool)
  const maxOutput = EXPANSION * maxValueBytes
  const [packs, unpacks] =
    format === 'zstd'
      ? [transforms.zstdCompress({ level }), transforms.zstdDecompress({ maxOutput })]
      : [transforms.lz4Compress(), transforms.lz4Decompress({ maxOutput })]
  return {
    letter: LETTERS[/** @type {keyof typeof LETTERS} */ (format)],
    over,
    compress: bytes => pool.run(packs, bytes),
    decompress: bytes => pool.run(unpacks, bytes)
  }
}

module.exports = { compressorOf }
