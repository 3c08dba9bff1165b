'use strict'

const { inspect, types } = require('node:util')
const { withCode } = require('./errors')
const { isOfOtherCopy } = require('./package-copy')
const { isDetached, detachedMessage, describeDetached } = require('./detached')

const { isPromise, isProxy } = types

/** Formats a value for a message. Node 20 cannot inspect a detached DataView. @param {unknown} value */
function formatValue(value) {
  return isDetached(value) ? describeDetached(value) : inspectSafely(value)
}

/** Describes a value of the wrong type, as Node.js does. @param {unknown} value */
function describeValue(value) {
  if (value === null || value === undefined) return `${value}`
  // Reading these would run the traps of a Proxy.
  if (isProxy(value)) return 'a Proxy'
  if (typeof value === 'function') return `function ${nameOf(value)}`
  if (isDetached(value)) return describeDetached(value)
  if (isPromise(value)) return 'an instance of Promise: await it first'
  if (typeof value === 'object') {
    const name = classOf(value)
    if (name === '') return inspectSafely(value, -1)
    return `an instance of ${name}${isOfOtherCopy(value) ? ' of another copy of offloop' : ''}`
  }
  const text = inspect(value)
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`
}

/** @param {Function} value */
function nameOf(value) {
  try {
    return `${value.name}`
  } catch {
    return ''
  }
}

/** Returns the name of an object's class; '' if there is none, or reading it throws. @param {object} value */
function classOf(value) {
  try {
    return `${value.constructor?.name ?? ''}`
  } catch {
    return ''
  }
}

/**
 * @param {unknown} value
 * @param {number} [depth]
 */
function inspectSafely(value, depth) {
  try {
    return inspect(value, { depth, customInspect: false })
  } catch {
    return 'an object'
  }
}

/**
 * Returns the error of a method that was called without its object, in the form of Node's own classes.
 * @param {string} name of the class
 * @param {unknown} self
 */
function invalidThis(name, self) {
  const message = `Value of "this" must be of type ${name}. Received ${describeValue(self)}. Call the method on its object, or bind it`
  return withCode(new TypeError(message), 'ERR_INVALID_THIS')
}

/**
 * @param {string} name as in 'The "signal" option'
 * @param {string} expected as in 'an instance of AbortSignal'
 * @param {unknown} actual
 * @param {string} [hint] remedy
 */
function invalidType(name, expected, actual, hint) {
  const message = `${name} must be ${expected}. Received ${describeValue(actual)}${hint === undefined ? '' : `. ${hint}`}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/**
 * Like `invalidType`, without the content of a value that may be secret.
 * @param {string} name
 * @param {string} expected
 * @param {unknown} actual
 */
function invalidSecret(name, expected, actual) {
  const isShown = actual === null || actual === undefined || typeof actual === 'object' || typeof actual === 'function'
  if (isShown) return invalidType(name, expected, actual)
  const message = `${name} must be ${expected}. Received type ${typeof actual}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** @param {string} message */
function invalidValue(message) {
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * Returns the error for detached memory.
 * @param {string} name as in 'The "key" argument'
 * @param {ArrayBufferView | ArrayBuffer} memory
 */
function detachedError(name, memory) {
  return withCode(new TypeError(detachedMessage(name, memory)), 'ERR_INVALID_ARG_TYPE')
}

/**
 * Throws if a value is detached memory.
 * @param {string} name as in 'The "key" argument'
 * @param {unknown} value
 */
function checkMemory(name, value) {
  if (isDetached(value)) throw detachedError(name, value)
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} actual
 */
function outOfRange(name, expected, actual) {
  const message = `The value of ${name} is out of range. It must be ${expected}. Received ${inspect(actual)}`
  return withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/**
 * @param {unknown} options
 * @param {string} [name] as in 'The "options" argument'
 * @returns {asserts options is object}
 */
function checkObject(options, name = 'The "options" argument') {
  if (options === null || typeof options !== 'object' || Array.isArray(options) || isDetached(options))
    throw invalidType(name, 'of type object', options)
}

/**
 * Refuses unknown options: a misspelt `signal` must not be ignored.
 * @param {unknown} options
 * @param {readonly string[]} known
 * @param {string} [path] of the options
 */
function checkOptions(options, known, path = 'options') {
  checkObject(options, path === 'options' ? undefined : `The "${path}" property`)
  for (const name in options) {
    if (known.includes(name) || /** @type {Record<string, unknown>} */ (options)[name] === undefined) continue
    const names =
      known.length === 0 ? 'There are no options' : `The options are ${known.map(it => `'${it}'`).join(', ')}`
    const hint = options instanceof AbortSignal ? '. To pass a signal, write { signal }' : ''
    const message = `The property '${path}.${name}' is unknown. ${names}${hint}`
    throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
  }
}

/**
 * Returns the named options, own or inherited, as destructuring would. Calls each getter once.
 * @template {object} O
 * @template {keyof O & string} N
 * @param {O} options
 * @param {readonly N[]} names
 * @returns {Pick<O, N>}
 */
function pickOptions(options, names) {
  return /** @type {Pick<O, N>} */ (Object.fromEntries(names.map(name => [name, options[name]])))
}

/**
 * Refuses options of a method that has none: otherwise a signal would have no effect, silently. Other arguments are ignored, since
 * the method may be used as a callback.
 * @param {unknown} options
 */
function checkNoOptions(options) {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) checkOptions(options, [])
}

/** @param {unknown} signal */
function checkSignal(signal) {
  const { aborted, addEventListener, removeEventListener } = /** @type {Partial<AbortSignal>} */ (Object(signal))
  if (
    typeof signal !== 'object' ||
    aborted === undefined ||
    typeof addEventListener !== 'function' ||
    typeof removeEventListener !== 'function'
  ) {
    throw invalidType('The "options.signal" property', 'an instance of AbortSignal', signal)
  }
}

const PRIORITIES = { high: 0, normal: 1, low: 2 }

/**
 * Returns the number of a priority in native code.
 * @param {unknown} priority
 * @returns {number}
 */
function priorityNumber(priority) {
  if (priority === undefined) return PRIORITIES.normal
  if (typeof priority === 'string' && Object.hasOwn(PRIORITIES, priority)) {
    return PRIORITIES[/** @type {keyof typeof PRIORITIES} */ (priority)]
  }
  const message = `The "options.priority" property must be one of 'high', 'normal', 'low'. Received ${formatValue(priority)}`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * @param {string} path as in 'options.concurrency'
 * @param {unknown} value
 * @param {number} min
 * @param {number} max
 * @returns {asserts value is number}
 */
function checkInteger(path, value, min, max) {
  if (typeof value !== 'number') throw invalidType(`The "${path}" property`, 'of type number', value)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(`"${path}"`, `an integer >= ${min} && <= ${max}`, value)
  }
}

/**
 * @param {string} path as in 'options.settle'
 * @param {unknown} value
 * @returns {asserts value is boolean}
 */
function checkBoolean(path, value) {
  if (typeof value !== 'boolean') throw invalidType(`The "${path}" property`, 'of type boolean', value)
}

module.exports = {
  invalidThis,
  invalidType,
  invalidSecret,
  invalidValue,
  outOfRange,
  checkNoOptions,
  detachedError,
  checkMemory,
  checkObject,
  checkOptions,
  pickOptions,
  checkSignal,
  checkInteger,
  checkBoolean,
  priorityNumber,
  formatValue,
  describeValue
}
