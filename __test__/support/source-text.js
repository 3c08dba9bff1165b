'use strict'

/**
 * Source text with the content of its comments and, if asked, its strings replaced by spaces; line breaks stay, so
 * that offsets and line numbers still hold. For searching, not for compiling.
 * @param {string} text
 * @param {'rust' | 'js'} language
 * @param {{ strings?: boolean }} [options] whether strings are blanked too, by default yes
 */
function blank(text, language, { strings = true } = {}) {
  const tokens = language === 'rust' ? RUST : JS
  let out = ''
  let at = 0
  while (at < text.length) {
    const token = tokens
      .map(([kind, pattern]) => ({ kind, length: lengthAt(pattern, text, at, out) }))
      .find(({ length }) => length > 0)
    if (token === undefined) {
      out += text[at++]
      continue
    }
    const piece = text.slice(at, at + token.length)
    const kept = token.kind === 'code' || (token.kind === 'string' && !strings)
    out += kept ? piece : piece.replace(/[^\n]/g, ' ')
    at += token.length
  }
  return out
}

/** @typedef {'comment' | 'string' | 'code'} Kind */
/** @typedef {RegExp | ((text: string, at: number, before: string) => number)} Pattern */

/** @type {[Kind, Pattern][]} */
const RUST = [
  ['code', /[A-Za-z_]\w*(?!["'#\w])|[\s\d]+/y],
  ['comment', /\/\/[^\n]*/y],
  ['comment', nestedComment],
  ['string', rawString],
  ['string', /[bc]?"(?:[^"\\]|\\[\s\S])*"/y],
  // A character; a lifetime has no closing quote.
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
 * @param {number} at
 * @param {string} before what came before, already blanked
 */
function lengthAt(pattern, text, at, before) {
  if (typeof pattern === 'function') return pattern(text, at, before)
  pattern.lastIndex = at
  return pattern.exec(text)?.[0].length ?? 0
}

/**
 * @param {string} text
 * @param {number} at
 */
function nestedComment(text, at) {
  if (!text.startsWith('/*', at)) return 0
  const marks = /\/\*|\*\//g
  marks.lastIndex = at
  let depth = 0
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex - at
  }
  return text.length - at
}

/**
 * @param {string} text
 * @param {number} at
 */
function rawString(text, at) {
  const open = /[bc]?r(#*)"/y
  open.lastIndex = at
  const found = open.exec(text)
  if (found === null) return 0
  const end = text.indexOf(`"${found[1]}`, open.lastIndex)
  return (end < 0 ? text.length : end + 1 + found[1].length) - at
}

/**
 * A slash begins a regular expression where no value can have ended.
 * @param {string} text
 * @param {number} at
 * @param {string} before
 */
function regularExpression(text, at, before) {
  if (text[at] !== '/' || !/(^|[([{,;:=!&|?+\-*%<>~^]|\b(return|typeof|case|in|of|=>))\s*$/.test(before.slice(-20)))
    return 0
  const pattern = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
  pattern.lastIndex = at
  return pattern.exec(text)?.[0].length ?? 0
}

module.exports = { blank }
