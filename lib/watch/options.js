'use strict'

const { checkBoolean, checkInteger, checkOptions, invalidType, invalidValue } = require('../internal/validate')

/**
 * @typedef {import('../../watch').WatchOptions} WatchOptions
 * @typedef {import('../../watch').Block} Block
 *
 * @typedef {object} Settings
 * @property {number} threshold in milliseconds
 * @property {number} fatal in milliseconds, or `Infinity`
 * @property {boolean} fatalExit
 * @property {number} maxPerMinute
 * @property {number} maxPerStack a minute
 * @property {((block: Block) => void) | undefined} onBlock
 */

const DEFAULT_FATAL = 5000
/** Options that a text can hold. */
const TEXT_NAMES = ['threshold', 'fatal', 'fatalExit', 'maxPerMinute', 'maxPerStack']
const NAMES = [...TEXT_NAMES, 'onBlock']

/** A shorter threshold would report ordinary work, and make the watchdog costly. */
const MIN_THRESHOLD = 10
const MAX_THRESHOLD = 60_000
const MAX_FATAL = 3_600_000
const MAX_RATE = 1_000_000

/** The environment variable with the options of `offloop/watch/auto`. */
const VARIABLE = 'OFFLOOP_WATCH'

/**
 * Returns complete settings.
 * @param {WatchOptions} options
 * @param {string} [path] as messages name the options
 * @returns {Settings}
 */
function readOptions(options, path = 'options') {
  checkOptions(options, NAMES, path)
  const { threshold = 100, fatalExit = false, maxPerMinute = 10, maxPerStack = 1, onBlock } = options
  checkInteger(`${path}.threshold`, threshold, MIN_THRESHOLD, MAX_THRESHOLD)
  const { fatal = Math.max(DEFAULT_FATAL, threshold) } = options
  if (fatal !== Infinity) checkInteger(`${path}.fatal`, fatal, threshold, MAX_FATAL)
  checkBoolean(`${path}.fatalExit`, fatalExit)
  if (fatalExit && fatal === Infinity) {
    throw invalidValue(`The "${path}.fatalExit" property must be false if "${path}.fatal" is Infinity. Received true`)
  }
  for (const [name, rate] of Object.entries({ maxPerMinute, maxPerStack })) {
    if (rate !== Infinity) checkInteger(`${path}.${name}`, rate, 0, MAX_RATE)
  }
  if (onBlock !== undefined && typeof onBlock !== 'function') {
    throw invalidType(`The "${path}.onBlock" property`, 'of type function', onBlock)
  }
  return { threshold, fatal, fatalExit, maxPerMinute, maxPerStack, onBlock }
}

/**
 * Returns the options in a text such as `threshold=50,fatal=Infinity`, or `undefined` for `off`.
 * @param {string | undefined} text
 * @returns {WatchOptions | undefined}
 */
function parseVariable(text) {
  if (text?.trim() === 'off') return undefined
  const texts = (text ?? '').split(',').filter(pair => pair.trim() !== '')
  const pairs = texts.map(parsePair)
  const names = pairs.map(([name]) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalidValue(`The variable ${VARIABLE} must hold each key once. Received '${text}'`)
  return Object.fromEntries(pairs)
}

/** @param {string} pair */
function parsePair(pair) {
  const [name, value, ...rest] = pair.split('=').map(part => part.trim())
  if (!TEXT_NAMES.includes(name) || value === undefined || value === '' || rest.length > 0) {
    const names = TEXT_NAMES.join(', ')
    throw invalidValue(
      `The variable ${VARIABLE} must be off, or key=value,key=value with the keys ${names}. Received '${pair}'`
    )
  }
  if (name === 'fatalExit') return [name, value === 'true' ? true : value === 'false' ? false : value]
  return [name, Number.isNaN(Number(value)) ? value : Number(value)]
}

module.exports = { VARIABLE, parseVariable, readOptions }
