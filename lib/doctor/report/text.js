'use strict'

// Makes texts from the program printable: names, paths and excerpts of keys may contain any character.

/** Control and format characters, such as escape sequences and changes of direction, line separators, and lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const MAX_LENGTH = 2000
const MAX_NAME = 80

/** Returns a text on one line, with invisible characters escaped, at most 2,000 characters long. @param {unknown} text */
function printable(text) {
  return shorten(String(text), MAX_LENGTH).replace(INVISIBLE, escapeOf)
}

/** @param {string} character */
function escapeOf(character) {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  const code = /** @type {number} */ (character.codePointAt(0))
  if (code < 0x100) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 5)}}`
}

/**
 * @param {number} code
 * @param {number} digits
 */
function hex(code, digits) {
  return code.toString(16).padStart(digits, '0')
}

/** Returns a name on one line, at most 80 characters long. @param {unknown} name */
function printableName(name) {
  return shorten(printable(name), MAX_NAME)
}

/**
 * Replaces the middle of a long text with an ellipsis.
 * @param {string} text
 * @param {number} length
 */
function shorten(text, length) {
  if (text.length <= length) return text
  const end = Math.floor(length / 3)
  // The cut may split a surrogate pair.
  const head = text.slice(0, length - 1 - end).replace(/[\ud800-\udbff]$/, '')
  return `${head}…${text.slice(text.length - end).replace(/^[\udc00-\udfff]/, '')}`
}

/**
 * Wraps a text at its spaces. Words longer than a line are cut.
 * @param {string} text
 * @param {number} width in characters
 */
function wrap(text, width) {
  /** @type {string[]} */
  const lines = []
  let line = ''
  for (const word of text.split(' ').flatMap(word => cut(word, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

/**
 * @param {string} word
 * @param {number} width
 */
function cut(word, width) {
  return word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []
}

module.exports = { printable, printableName, shorten, wrap }
