'use strict'

const { OffloopError, OverloadError } = require('./errors')
const { lazy } = require('./lazy')

const v8 = lazy(() => require('node:v8'))

/**
 * @typedef {object} SerializedError
 * @property {'error' | 'aggregate' | 'dom'} kind
 * @property {string} name
 * @property {string} message
 * @property {string | undefined} stack
 * @property {Record<string, Uint8Array>} ownProperties serialized one by one: one that is nested too deeply does not lose the others
 * @property {SerializedError | SerializedValue | undefined} cause
 * @property {(SerializedError | SerializedValue)[] | undefined} errors
 *
 * @typedef {{ thrown: Uint8Array }} SerializedValue a value that is not an error
 */

const STANDARD = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }
const OFFLOOP = { OffloopError, OverloadError }
/** Causes are followed this far: they may be circular. */
const MAX_DEPTH = 8
/** Limits the errors in lists within one error: lists may contain each other, or one error many times. */
const MAX_LISTED = 1000

/**
 * Serializes the name, message, stack, cause and own properties of an error, as far as they can be cloned. Never throws.
 * @param {unknown} error
 * @returns {Buffer}
 */
function encodeError(error) {
  return v8().serialize(serializeError(error, 0, { left: MAX_LISTED }))
}

/** Like `encodeError`, but returns `undefined` if memory is exhausted. @param {unknown} error */
function tryEncodeError(error) {
  try {
    return encodeError(error)
  } catch {
    return undefined
  }
}

/**
 * @param {unknown} error
 * @param {number} depth
 * @param {{ left: number }} budget how many errors in lists may still be read
 * @returns {SerializedError | SerializedValue}
 */
function serializeError(error, depth, budget) {
  if (!isError(error)) return { thrown: trySerialize(error) ?? v8().serialize(toText(error)) }
  const isAggregate = error instanceof AggregateError
  const isTooDeep = depth >= MAX_DEPTH
  const cause = tryGet(error, 'cause')
  const errors = isAggregate && !isTooDeep ? readElements(tryGet(error, 'errors'), budget) : undefined
  return {
    kind: isAggregate ? 'aggregate' : error instanceof DOMException ? 'dom' : 'error',
    name: toText(tryGet(error, 'name')),
    message: toText(tryGet(error, 'message')),
    stack: stackOf(error),
    ownProperties: readOwnProperties(error),
    cause: cause === undefined || isTooDeep ? undefined : serializeError(cause, depth + 1, budget),
    errors: errors?.map(error => serializeError(error, depth + 1, budget))
  }
}

/**
 * Returns the elements of a list, as far as they can be read and `budget` allows. Outer lists use the budget first.
 * @param {unknown} list
 * @param {{ left: number }} budget
 */
function readElements(list, budget) {
  /** @type {unknown[]} */
  const found = []
  try {
    if (!Array.isArray(list)) return undefined
    for (let at = 0; at < list.length && budget.left > 0; at++, budget.left--) found.push(list[at])
  } catch {
    // A proxy or a getter threw: keep the elements before it.
  }
  return found
}

/**
 * Like `instanceof`, which throws for a revoked proxy.
 * @param {unknown} value
 * @returns {value is Error}
 */
function isError(value) {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

/** @param {Error} error */
function stackOf(error) {
  const stack = tryGet(error, 'stack')
  return typeof stack === 'string' ? stack : undefined
}

/** @param {Error} error */
function readOwnProperties(error) {
  const names = keysOf(error).filter(name => name !== 'cause' && name !== 'errors')
  const properties = names.map(name => [name, trySerialize(tryGet(error, name))])
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

/**
 * Returns a property, or `undefined` if reading it throws.
 * @param {object} object
 * @param {string} name
 */
function tryGet(object, name) {
  try {
    return Reflect.get(object, name)
  } catch {
    return undefined
  }
}

/**
 * Returns the bytes of a value, or `undefined` if it cannot be cloned.
 * @param {unknown} value
 * @returns {Buffer | undefined}
 */
function trySerialize(value) {
  try {
    return v8().serialize(value)
  } catch {
    return undefined
  }
}

/** @param {unknown} value */
function toText(value) {
  try {
    return String(value)
  } catch {
    return 'a value that cannot be converted to a string'
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {unknown}
 */
function decodeError(bytes) {
  return deserializeError(v8().deserialize(bytes))
}

/** @type {(record: SerializedError | SerializedValue) => unknown} */
function deserializeError(record) {
  if ('thrown' in record) return v8().deserialize(record.thrown)
  const { stack, ownProperties } = record
  const error = createError(record)
  if (stack !== undefined) define(error, 'stack', stack, false)
  // Not assigned: the class may have a getter of that name.
  for (const [name, bytes] of Object.entries(ownProperties)) {
    try {
      define(error, name, v8().deserialize(bytes), true)
    } catch {
      // The property is nested too deeply for the stack of this thread.
    }
  }
  return error
}

/**
 * @param {Error} error
 * @param {string} name
 * @param {unknown} value
 * @param {boolean} enumerable
 */
function define(error, name, value, enumerable) {
  Object.defineProperty(error, name, { value, enumerable, configurable: true, writable: true })
}

/** @type {(record: SerializedError) => Error} */
function createError({ kind, name, message, cause, errors = [] }) {
  const options = cause === undefined ? undefined : { cause: deserializeError(cause) }
  const Offloop = Object.hasOwn(OFFLOOP, name) ? OFFLOOP[/** @type {keyof typeof OFFLOOP} */ (name)] : undefined
  if (kind === 'dom' || Offloop !== undefined) {
    const error =
      Offloop === undefined ? new DOMException(message, name) : new Offloop(/** @type {any} */ (undefined), message)
    if (options !== undefined) define(error, 'cause', options.cause, false)
    return error
  }
  const Class = Object.hasOwn(STANDARD, name) ? STANDARD[/** @type {keyof typeof STANDARD} */ (name)] : Error
  const error =
    kind === 'aggregate'
      ? new AggregateError(errors.map(deserializeError), message, options)
      : new Class(message, options)
  if (error.name !== name) define(error, 'name', name, false)
  return error
}

module.exports = { encodeError, decodeError, toText, tryEncodeError }
