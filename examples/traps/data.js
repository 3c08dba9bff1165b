'use strict'

// Real data: the cities of the world (GeoNames), 171,000 records in 17 MB of JSON, and browser compatibility data (MDN),
// 20 MB of deeply nested JSON.

const { readFileSync } = require('node:fs')

/**
 * @typedef {{ name: string, lat: string, lng: string, country: string }} City
 *
 * @type {City[] | undefined}
 */
let records

/** The cities, as a database would return them. */
function cities() {
  records ??= /** @type {City[]} */ (JSON.parse(readFileSync(find('cities.json'), 'utf8')))
  return records
}

/**
 * The first pages of the cities.
 * @param {number} count
 * @param {number} size cities per page; 10,000 are 1 MB
 */
function pages(count, size) {
  return Array.from({ length: count }, (_, page) => cities().slice(page * size, (page + 1) * size))
}

/**
 * The first bytes of the cities, as a client would send them.
 * @param {number} bytes
 */
function body(bytes) {
  return readFileSync(find('cities.json')).subarray(0, bytes)
}

/** Browser compatibility data, as another service would send it. */
function browsers() {
  return readFileSync(find('@mdn/browser-compat-data'))
}

/** @param {string} specifier */
function find(specifier) {
  try {
    return require.resolve(specifier)
  } catch {
    throw new Error(`The traps need the npm package ${specifier}, which is not installed: run \`npm install\` first.`)
  }
}

module.exports = { body, browsers, pages }
