'use strict'

// Reads the files of the program.

const { readFileSync, statSync } = require('node:fs')
const { isAbsolute } = require('node:path')

/** Returns the text of a file that V8 ran, or `undefined` if it is unknown. @typedef {(file: string) => string | undefined} Read */

/** Maximum size of a file in bytes. Larger files are assumed to be generated. */
const MAX_BYTES = 4 << 20

/**
 * Returns the text of a file, or `undefined` if it cannot be read.
 * @param {string} file
 */
function textOf(file) {
  try {
    return isAbsolute(file) && statSync(file).size <= MAX_BYTES ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the index of a position.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 */
function indexOf(text, line, column) {
  let index = 0
  for (let before = 1; before < line; before++) index = text.indexOf('\n', index) + 1
  return index + column - 1
}

module.exports = { indexOf, textOf }
