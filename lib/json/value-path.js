'use strict'

/** Keys of a long path that are shown at its start and at its end. */
const FIRST = 8
const LAST = 4
/** Longer keys are cut. */
const MAX_KEY = 32

/**
 * Formats a path into a value for a message, such as `input.items[3].name`. Long paths and keys are shortened.
 * @param {number} depth
 * @param {(level: number) => string | number | undefined} keyAt returns `undefined` at a level where no part has begun
 */
function formatPath(depth, keyAt) {
  const left = depth - FIRST - LAST
  let path = 'input'
  for (let level = 0; level < depth; level++) {
    if (level === FIRST && left > 0) {
      path += `…(${left} more)…`
      level += left
    }
    path += formatKey(keyAt(level))
  }
  return path
}

/** @param {string | number | undefined} key */
function formatKey(key) {
  if (key === undefined) return ''
  if (typeof key === 'number') return `[${key}]`
  const shown = key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`
}

module.exports = { formatPath }
