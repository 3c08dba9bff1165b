'use strict'

/**
 * Replaces comments, and optionally strings, by spaces. Line breaks stay, so that offsets and line numbers remain valid.
 * The result is for searching, not for compiling.
 * @param {string} text
 * @param {'rust' | 'js'} language
 * @param {{ strings?: boolean }} [options] whether to blank strings too, true by default
 */
function blank(text, language, { strings = true } = {}) {
  const tokens = language === 'rust' ? RUST : JS
  let out = ''
  let offset = 0
  while (offset < text.length) {
    const token = tokens
      .map(([kind, pattern]) => ({ kind, length: lengthAt(pattern, text, offset, out) }))
      .find(({ length }) => length > 0)
    if (token === undefined) {
      out += text[offset++]
      continue
    }
    const piece = text.slice(offset, offset + token.length)
    const kept = token.kind === 'code' || (token.kind === 'string' && !strings)
    out += kept ? piece : piece.replace(/[^\n]/g, ' ')
    offset += token.length
  }
  return out
}

/** @typedef {'comment' | 'string' | 'code'} Kind */
/** @typedef {RegExp | ((text: string, offset: number, before: string) => number)} Pattern */

/** @type {[Kind, Pattern][]} */
const RUST = [
  ['code', /[A-Za-z_]\w*(?!["'#\w])|[\s\d]+/y],
  ['comment', /\/\/[^\n]*/y],
  ['comment', nestedComment],
  ['string', rawString],
  ['string', /[bc]?"(?:[^"\\]|\\[\s\S])*"/y],
  // A character literal; a lifetime has no closing quote.
  ['string', /b?'(?:[^'\\\n]|\\(?:u\{[^}]*\}|x..|.))'/y]
]

/** @type {[Kind, Pattern][]} */
const JS = [
  ['comment', /\/\/[^\n]*/y],
  ['comment', /\/\*[\s\S]*?\*\//y],
  ['string', /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`/y],
  ['string', regularExpression]
]

/**
 * @param {Pattern} pattern
 * @param {string} text
 * @param {number} offset
 * @param {string} before the preceding text, already blanked
 */
function lengthAt(pattern, text, offset, before) {
  if (typeof pattern === 'function') return pattern(text, offset, before)
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0].length ?? 0
}

/**
 * @param {string} text
 * @param {number} offset
 */
function nestedComment(text, offset) {
  if (!text.startsWith('/*', offset)) return 0
  const marks = /\/\*|\*\//g
  marks.lastIndex = offset
  let depth = 0
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex - offset
  }
  return text.length - offset
}

/**
 * @param {string} text
 * @param {number} offset
 */
function rawString(text, offset) {
  const open = /[bc]?r(#*)"/y
  open.lastIndex = offset
  const found = open.exec(text)
  if (found === null) return 0
  const end = text.indexOf(`"${found[1]}`, open.lastIndex)
  return (end < 0 ? text.length : end + 1 + found[1].length) - offset
}

/**
 * A slash starts a regular expression if it does not follow an operand.
 * @param {string} text
 * @param {number} offset
 * @param {string} before
 */
function regularExpression(text, offset, before) {
  if (text[offset] !== '/' || !/(^|[([{,;:=!&|?+\-*%<>~^]|\b(return|typeof|case|in|of|=>))\s*$/.test(before.slice(-20)))
    return 0
  const pattern = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0].length ?? 0
}

module.exports = { blank }
