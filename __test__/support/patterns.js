'use strict'

/**
 * Generates patterns and texts from a seed. Patterns use every construct of ECMA-262 with the `u` flag and an occasional mistake.
 * Texts draw on the same few characters, so that matches are frequent.
 */

/** @typedef {() => number} Random returns a number in [0, 1) */
/** @typedef {{ depth: number, names: number }} State */

/** @param {number} seed */
function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

// Line terminators, spaces, characters with unusual case variants, an emoji, a combining accent and a joiner.
const CHARACTERS = [
  ...'aaabbbcAB_k01 -é/',
  '\n',
  '\r',
  '\t',
  '\0',
  ...'\u017f\u212a\u2028\u2029\u0085\ufeff\u00a0😀\u0301\u200dΑς'
]
const SYNTAX = '^$\\.*+?()[]{}|/'
const PROPERTIES = [
  'L',
  'Lu',
  'Letter',
  'gc=Nd',
  'Script=Greek',
  'scx=Grek',
  'Alphabetic',
  'ASCII',
  'Any',
  'Emoji',
  'White_Space',
  'Cs'
]
/** Invalid in ECMA-262, though other dialects accept some. */
const MISTAKES = [
  '(?i)',
  '\\A',
  '\\z',
  '++',
  '\\x{41}',
  '[[:alpha:]]',
  '\\pL',
  '\\U',
  '\\h',
  '{',
  '}',
  ']',
  '(',
  ')',
  '[',
  '\\',
  '[b-a]',
  '[\\w-a]'
]
MISTAKES.push(
  '\\-',
  '\\é',
  '\\p{greek}',
  '\\p{Foo}',
  '{2,1}',
  '**',
  '\\u{110000}',
  '\\x4',
  '\\c1',
  '\\01',
  '\\k',
  '(?<1>a)',
  '(?P<n>a)',
  '[\\B]',
  '^*'
)
/** Valid, but cannot be matched in linear time. */
const BACKTRACKING = ['(?=a)', '(?!b)', '(?<=a)', '(?<!b)', '(a)\\1', '(?<q>a)\\k<q>']

/**
 * @template T
 * @param {Random} next @param {readonly T[]} list
 */
const pick = (next, list) => list[Math.floor(next() * list.length)]

/** @param {string} character */
const escaped = character => (SYNTAX.includes(character) ? `\\${character}` : character)

/** @param {Random} next */
function character(next) {
  const char = pick(next, CHARACTERS)
  const code = /** @type {number} */ (char.codePointAt(0))
  const units = [...char].length === 1 ? char.split('') : [char]
  const hex = (/** @type {number} */ number, digits = 4) => number.toString(16).padStart(digits, '0')
  const spellings = [
    () => escaped(char),
    () => escaped(char),
    () => escaped(char),
    () => `\\u{${hex(code, 1)}}`,
    () => units.map(unit => `\\u${hex(unit.charCodeAt(0))}`).join(''),
    () => (code < 256 ? `\\x${hex(code, 2)}` : escaped(char)),
    () => pick(next, ['\\n', '\\r', '\\t', '\\v', '\\f', '\\0', '\\cJ', '\\/', '\\.', '\\ud83d', '\\u{d83d}'])
  ]
  return pick(next, spellings)()
}

/** @param {Random} next */
function charClass(next) {
  const members = Array.from({ length: Math.floor(next() * 4) }, () => {
    const kind = next()
    if (kind < 0.2)
      return pick(next, ['\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\b', '\\-', '-', '&&', '--', '.', '$', '[', '^'])
    if (kind < 0.3) return `\\${pick(next, ['p', 'P'])}{${pick(next, PROPERTIES)}}`
    if (kind < 0.5)
      return pick(next, ['a-c', 'A-z', '0-9', '\\0-\\x7f', 'é-\u212a', '\\u{1f600}-\\u{1f64f}', '\\ud7ff-\\ue000'])
    return character(next)
  })
  return `[${next() < 0.3 ? '^' : ''}${members.join('')}]`
}

/**
 * @param {Random} next
 * @param {State} state
 * @returns {string}
 */
function atom(next, state) {
  const kind = next()
  if (kind < 0.4 || state.depth > 3) return character(next)
  if (kind < 0.46) return '.'
  if (kind < 0.54) return pick(next, ['\\d', '\\D', '\\w', '\\W', '\\s', '\\S'])
  if (kind < 0.57) return `\\${pick(next, ['p', 'P'])}{${pick(next, PROPERTIES)}}`
  if (kind < 0.66) return charClass(next)
  state.depth++
  const inner = disjunction(next, state)
  state.depth--
  if (kind < 0.85) return `(${inner})`
  if (kind < 0.9) return `(?<n${++state.names}>${inner})`
  return `(?:${inner})`
}

function term(/** @type {Random} */ next, /** @type {State} */ state) {
  const kind = next()
  if (kind < 0.08) return pick(next, ['^', '$', '\\b', '\\B'])
  if (kind < 0.084) return pick(next, BACKTRACKING)
  if (kind < 0.088) return pick(next, MISTAKES)
  const quantifier = next() < 0.4 ? pick(next, ['*', '+', '?', '{2}', '{0}', '{1,}', '{0,2}', '{1,3}', '{2,4}']) : ''
  return `${atom(next, state)}${quantifier}${quantifier !== '' && next() < 0.3 ? '?' : ''}`
}

function disjunction(/** @type {Random} */ next, /** @type {State} */ state) {
  const alternative = () => Array.from({ length: Math.floor(next() * 4) }, () => term(next, state)).join('')
  const alternatives = next() < 0.3 ? 1 + Math.ceil(next() * 2) : 1
  return Array.from({ length: alternatives }, alternative).join('|')
}

/** Generates a pattern. @param {Random} next */
const pattern = next => disjunction(next, { depth: 0, names: 0 })

/** Generates a text. @param {Random} next */
const text = next => Array.from({ length: Math.floor(next() * 12) }, () => pick(next, CHARACTERS)).join('')

/** Generates flags. @param {Random} next */
const flags = next => ['i', 'm', 's'].filter(() => next() < 0.25).join('')

module.exports = { BACKTRACKING, MISTAKES, flags, pattern, pick, random, text }
