'use strict'

const { OffloopError } = require('./errors')

/**
 * @typedef {object} Told an error as it crosses
 * @property {'error' | 'aggregate' | 'dom'} kind
 * @property {string} name
 * @property {string} message
 * @property {string | undefined} stack
 * @property {Record<string, unknown>} own
 * @property {Told | Thrown | undefined} cause
 * @property {(Told | Thrown)[] | undefined} errors
 *
 * @typedef {{ thrown: unknown }} Thrown what was thrown and is no error
 */

/**
 * Errors on their way between threads. Its text runs in worker threads too: it refers to nothing outside.
 * @param {typeof import('node:v8')} v8
 * @param {typeof import('./errors').OffloopError} [OffloopError] where errors of the package are to be instances of it again
 */
function toldErrors(v8, OffloopError) {
  const STANDARD = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }
  /** How far down causes are followed: they may be a circle. */
  const MAX_DEPTH = 8

  /**
   * An error for another thread: its name, message, stack, cause and own properties, as far as they can be cloned. It does not
   * throw, whatever it is given.
   * @param {unknown} error
   * @returns {Buffer}
   */
  function encodeError(error) {
    return v8.serialize(told(error, 0))
  }

  /**
   * @param {unknown} error
   * @param {number} depth
   * @returns {Told | Thrown}
   */
  function told(error, depth) {
    if (!isError(error)) return { thrown: cloneable(error) ? error : text(error) }
    const isAggregate = error instanceof AggregateError
    const isTooDeep = depth >= MAX_DEPTH
    const cause = get(error, 'cause')
    const errors = isAggregate && !isTooDeep ? get(error, 'errors') : undefined
    return {
      kind: isAggregate ? 'aggregate' : error instanceof DOMException ? 'dom' : 'error',
      name: text(get(error, 'name')),
      message: text(get(error, 'message')),
      stack: stackOf(error),
      own: own(error),
      cause: cause === undefined || isTooDeep ? undefined : told(cause, depth + 1),
      errors: Array.isArray(errors) ? errors.map(error => told(error, depth + 1)) : undefined
    }
  }

  /** A proxy that is revoked is not even nothing. @param {unknown} value @returns {value is Error} */
  function isError(value) {
    try {
      return value instanceof Error
    } catch {
      return false
    }
  }

  /** @param {Error} error */
  function stackOf(error) {
    const stack = get(error, 'stack')
    return typeof stack === 'string' ? stack : undefined
  }

  /** @param {Error} error */
  function own(error) {
    const names = keysOf(error).filter(name => name !== 'cause' && name !== 'errors')
    const properties = names.map(name => [name, get(error, name)])
    return Object.fromEntries(properties.filter(([, value]) => cloneable(value)))
  }

  /** @param {object} object */
  function keysOf(object) {
    try {
      return Object.keys(object)
    } catch {
      return []
    }
  }

  /** What a property is, if it can be read. @param {object} object @param {string} name */
  function get(object, name) {
    try {
      return Reflect.get(object, name)
    } catch {
      return undefined
    }
  }

  /** @param {unknown} value */
  function cloneable(value) {
    try {
      v8.serialize(value)
      return true
    } catch {
      return false
    }
  }

  /** @param {unknown} value */
  function text(value) {
    try {
      return String(value)
    } catch {
      return 'something that has no text'
    }
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {unknown}
   */
  function decodeError(bytes) {
    return made(v8.deserialize(bytes))
  }

  /** @param {Told | Thrown} record @returns {unknown} */
  function made(record) {
    if ('thrown' in record) return record.thrown
    const { stack, own } = record
    const error = instance(record)
    if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
    return Object.assign(error, own)
  }

  /** @param {Told} record @returns {Error} */
  function instance({ kind, name, message, cause, errors = [] }) {
    if (kind === 'dom') return new DOMException(message, name)
    const options = cause === undefined ? undefined : { cause: made(cause) }
    if (name === 'OffloopError' && OffloopError !== undefined) {
      const error = new OffloopError(/** @type {any} */ (undefined), message)
      if (options !== undefined)
        Object.defineProperty(error, 'cause', { value: options.cause, configurable: true, writable: true })
      return error
    }
    const Class = Object.hasOwn(STANDARD, name) ? STANDARD[/** @type {keyof typeof STANDARD} */ (name)] : Error
    const error =
      kind === 'aggregate' ? new AggregateError(errors.map(made), message, options) : new Class(message, options)
    if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
    return error
  }

  return { encodeError, decodeError, text }
}

module.exports = { toldErrors, ...toldErrors(require('node:v8'), OffloopError) }
