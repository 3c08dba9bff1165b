'use strict'

/** @param {number} number */
function id(number) {
  return `user:${100_000 + number}`
}

/**
 * Copies a string into new memory, like one from a request.
 * @param {string} text
 */
function copy(text) {
  return Buffer.from(text).toString()
}

/**
 * @param {number} count
 * @param {number} [first]
 */
function ids(count, first = 0) {
  return Array.from({ length: count }, (_, index) => copy(id(first + index)))
}

/**
 * Picks some of the ids, spread evenly.
 * @param {readonly string[]} all
 * @param {number} count
 */
function spread(all, count) {
  return Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)])
}

/**
 * Returns a deterministic generator of numbers in [0, 1) (mulberry32).
 * @param {number} seed
 */
function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

module.exports = { copy, id, ids, random, spread }
