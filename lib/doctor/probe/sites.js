'use strict'

const { siteOf } = require('./stack')

/** @typedef {import('../facts').Site} Site */

const MAX_SITES = 256

/**
 * Entries by the line that called a wrapper, for at most 256 lines.
 * @template Entry
 */
class Sites {
  /** @type {Map<string, Entry>} */
  #entries = new Map()

  /**
   * Returns the entry of the line that called, or `undefined` for a line beyond the first 256. Captures the stack: costs about 10 µs.
   * @param {Function} below the wrapper
   * @param {string} kind entries of different kinds are separate
   * @param {(site: Site) => Entry} create
   */
  find(below, kind, create) {
    const site = siteOf(below)
    const key = `${kind} ${lineOf(site)}`
    const known = this.#entries.get(key)
    if (known !== undefined || this.#entries.size >= MAX_SITES) return known
    const entry = create(site)
    this.#entries.set(key, entry)
    return entry
  }

  /** @returns {Entry[]} */
  get all() {
    return [...this.#entries.values()]
  }
}

/** Returns the innermost line of the program, or the innermost one if all are of packages and Node.js. @param {Site} site */
function lineOf({ frames }) {
  const frame = frames.find(({ isUser }) => isUser) ?? frames[0]
  return frame === undefined ? '' : `${frame.file}:${frame.line}:${frame.column}`
}

/** Returns the name of the class of an object, at most 40 characters long. @param {any} object */
function className(object) {
  const name = object?.constructor?.name
  return typeof name === 'string' && name !== '' ? excerpt(name) : 'Object'
}

/** @param {string} text */
function excerpt(text) {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

module.exports = { Sites, className, excerpt, lineOf }
