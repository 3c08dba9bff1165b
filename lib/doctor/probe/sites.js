'use strict'

const { siteOf } = require('./stack')

/** @typedef {import('../facts').Site} Site */

const MAX_SITES = 256

/**
 * Entries by the line that calls a wrapper, for at most 256 lines.
 * @template Entry
 */
class Sites {
  /** @type {Map<string, Entry>} */
  #entries = new Map()

  /**
   * Returns the entry of the calling line, or `undefined` for lines beyond the first 256. Captures a stack, which costs about 10 µs.
   * @param {Function} below the wrapper, which is left out of the stack
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

/** Returns the innermost line of the program, or the innermost line of all if none belongs to the program. @param {Site} site */
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
