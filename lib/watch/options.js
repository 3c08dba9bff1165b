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
  for (const [name, rate] of Object.entries({ maxPerMinute, maxPerStack })) {
    if (rate !== Infinity) checkInteger(`${path}.${name}`, rate, 0, MAX_RATE)
  }
  if (onBlock !== undefined && typeof onBlock !== 'function') {
    throw invalidType(`The "${path}.onBlock" property`, 'of type function', onBlock)
  }
  return { threshold, fatal, fatalExit, maxPerMinute, maxPerStack, onBlock }
}

/**
 * Returns the options in a text such as `threshold=50,fatal=Infinity`.
 * @param {string | undefined} text
 * @returns {WatchOptions}
 */
function parseVariable(text) {
  const pairs = (text ?? '').split(',').filter(pair => pair.trim() !== '')
  return Object.fromEntries(pairs.map(parsePair))
}

/** @param {string} pair */
function parsePair(pair) {
  const [name, value, ...rest] = pair.split('=').map(part => part.trim())
  if (!TEXT_NAMES.includes(name) || value === undefined || value === '' || rest.length > 0) {
    const names = TEXT_NAMES.join(', ')
    throw invalidValue(
      `The variable ${VARIABLE} must be key=value,key=value with the keys ${names}. Received '${pair}'`
    )
  }
  if (name === 'fatalExit') return [name, value === 'true' ? true : value === 'false' ? false : value]
  return [name, Number.isNaN(Number(value)) ? value : Number(value)]
}

module.exports = { VARIABLE, parseVariable, readOptions }
