'use strict'

const { OffloopError } = require('./errors')

/**
 * @typedef {object} Told an error as it crosses
 * @property {'error' | 'aggregate' | 'dom'} kind
 * @property {string} name
 * @property {string} message
 * @property {string | undefined} stack
 * @property {Record<string, Uint8Array>} own properties, serialized one by one: one that is nested too deeply does not lose the others
 * @property {Told | Thrown | undefined} cause
 * @property {(Told | Thrown)[] | undefined} errors
 *
 * @typedef {{ thrown: Uint8Array }} Thrown a value that is not an error
 */

/**
 * Errors on their way between threads. Its text runs in worker threads too: it refers to nothing outside.
 * @param {Pick<typeof import('node:v8'), 'serialize' | 'deserialize'>} v8
 * @param {typeof import('./errors').OffloopError} [OffloopError] the class to restore errors of the package with
 */
function toldErrors(v8, OffloopError) {
  const STANDARD = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }
  /** How far down causes are followed: they may be a circle. */
  const MAX_DEPTH = 8
  /** Limits the errors in lists within one error: lists may contain each other, or one error many times. */
  const MAX_LISTED = 1000

  /**
   * An error for another thread: its name, message, stack, cause and own properties, as far as they can be cloned. It does not
   * throw, whatever it is given.
   * @param {unknown} error
   * @returns {Buffer}
   */
  function encodeError(error) {
    return v8.serialize(told(error, 0, { left: MAX_LISTED }))
  }

  /**
   * @param {unknown} error
   * @param {number} depth
   * @param {{ left: number }} listed how many errors in lists may still be read
   * @returns {Told | Thrown}
   */
  function told(error, depth, listed) {
    if (!isError(error)) return { thrown: serialized(error) ?? v8.serialize(text(error)) }
    const isAggregate = error instanceof AggregateError
    const isTooDeep = depth >= MAX_DEPTH
    const cause = get(error, 'cause')
    const errors = isAggregate && !isTooDeep ? elements(get(error, 'errors'), listed) : undefined
    return {
      kind: isAggregate ? 'aggregate' : error instanceof DOMException ? 'dom' : 'error',
      name: text(get(error, 'name')),
      message: text(get(error, 'message')),
      stack: stackOf(error),
      own: own(error),
      cause: cause === undefined || isTooDeep ? undefined : told(cause, depth + 1, listed),
      errors: errors?.map(error => told(error, depth + 1, listed))
    }
  }

  /**
   * Returns the elements of a list, as far as they can be read and `listed` allows. A list comes before the lists in its elements.
   * @param {unknown} list
   * @param {{ left: number }} listed
   */
  function elements(list, listed) {
    /** @type {unknown[]} */
    const found = []
    try {
      if (!Array.isArray(list)) return undefined
      for (let at = 0; at < list.length && listed.left > 0; at++, listed.left--) found.push(list[at])
    } catch {
      // A proxy or a getter threw: keep the elements before it.
    }
    return found
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
    const properties = names.map(name => [name, serialized(get(error, name))])
    return Object.fromEntries(properties.filter(([, bytes]) => bytes !== undefined))
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

  /** The bytes of a value; `undefined` if it cannot be cloned. @param {unknown} value @returns {Buffer | undefined} */
  function serialized(value) {
    try {
      return v8.serialize(value)
    } catch {
      return undefined
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
    if ('thrown' in record) return v8.deserialize(record.thrown)
    const { stack, own } = record
    const error = instance(record)
    if (stack !== undefined) define(error, 'stack', stack, false)
    // Not assigned: the class may have a getter of that name.
    for (const [name, bytes] of Object.entries(own)) {
      try {
        define(error, name, v8.deserialize(bytes), true)
      } catch {
        // The property is nested too deeply for the stack of this thread.
      }
    }
    return error
  }

  /** @param {Error} error @param {string} name @param {unknown} value @param {boolean} enumerable */
  function define(error, name, value, enumerable) {
    Object.defineProperty(error, name, { value, enumerable, configurable: true, writable: true })
  }

  /** @param {Told} record @returns {Error} */
  function instance({ kind, name, message, cause, errors = [] }) {
    const options = cause === undefined ? undefined : { cause: made(cause) }
    const isOffloop = name === 'OffloopError' && OffloopError !== undefined
    if (kind === 'dom' || isOffloop) {
      const error = isOffloop
        ? new OffloopError(/** @type {any} */ (undefined), message)
        : new DOMException(message, name)
      if (options !== undefined) define(error, 'cause', options.cause, false)
      return error
    }
    const Class = Object.hasOwn(STANDARD, name) ? STANDARD[/** @type {keyof typeof STANDARD} */ (name)] : Error
    const error =
      kind === 'aggregate' ? new AggregateError(errors.map(made), message, options) : new Class(message, options)
    if (error.name !== name) define(error, 'name', name, false)
    return error
  }

  return { encodeError, decodeError, text }
}

/** The module is loaded at its first use. */
const v8 = /** @type {typeof import('node:v8')} */ ({
  serialize: value => require('node:v8').serialize(value),
  deserialize: bytes => require('node:v8').deserialize(bytes)
})

module.exports = { toldErrors, ...toldErrors(v8, OffloopError) }
