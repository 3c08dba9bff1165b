'use strict'

const v8 = require('node:v8')

const STANDARD = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }

/**
 * An error for another thread: its name, message, stack, cause and own properties, as far as they can be cloned.
 * @param {unknown} error
 * @returns {Buffer}
 */
function encodeError(error) {
  if (!(error instanceof Error)) {
    return serialize({ thrown: error }) ?? v8.serialize({ thrown: String(error) })
  }
  const own = Object.fromEntries(Object.entries(error).filter(([, value]) => serialize(value) !== undefined))
  const { name, message, stack, cause } = error
  return v8.serialize({ name, message, stack, own, cause: cause === undefined ? undefined : encodeError(cause) })
}

/** @param {unknown} value */
function serialize(value) {
  try {
    return v8.serialize(value)
  } catch {
    return undefined
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {unknown}
 */
function decodeError(bytes) {
  const record = v8.deserialize(bytes)
  if ('thrown' in record) return record.thrown
  const { name, message, stack, own, cause } = record
  const Class = Object.hasOwn(STANDARD, name) ? STANDARD[/** @type {keyof typeof STANDARD} */ (name)] : Error
  const error = new Class(message, cause === undefined ? undefined : { cause: decodeError(cause) })
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  if (typeof stack === 'string') error.stack = stack
  return Object.assign(error, own)
}

module.exports = { decodeError, encodeError }
