'use strict'

const { isAnyArrayBuffer, isNativeError, isRegExp, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const native = require('../native')
// Both register decoders of results.
require('../csv/table')
require('../json/documents')
const { worker, workerScript } = require('../worker')
const { chain } = require('./chain')
const { stringify } = require('./json-stringify')
const { numeric } = require('./numeric')
const { createTransform, knownFactories } = require('../native/transform')
const { withCode } = require('../internal/errors')
const { findDetached, isDetached, detachedMarker } = require('../internal/detached')
const { invalidType, detachedError } = require('../internal/validate')
const { isRecord, mapFields, nativeArgument } = require('../native/argument')

/** Returns a schema as JSON text, which may be nested more deeply than the other arguments. @param {unknown} schema */
function schemaText(schema) {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) {
    throw invalidType('The "schema" argument', 'of type object or boolean', schema)
  }
  const found = findDetached(schema, 'schema')
  if (found !== undefined) {
    const { path, memory } = found
    throw detachedError(path === 'schema' ? 'The "schema" argument' : `The "${path}" property`, memory)
  }
  try {
    return JSON.stringify(schema, refuseNonFinite)
  } catch (cause) {
    const message = `The "schema" argument must be a JSON value: ${/** @type {Error} */ (cause).message}`
    throw withCode(new TypeError(message, { cause }), 'ERR_INVALID_ARG_VALUE')
  }
}

/**
 * Refuses numbers that `JSON.stringify` would write as null, which would change the schema.
 * @param {string} name
 * @param {unknown} value
 */
function refuseNonFinite(name, value) {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${value} (at '${name}') is not a JSON number`)
  return value
}

/** Refuses a RegExp, which would be read as an empty object. @param {unknown} pattern */
function patternText(pattern) {
  if (!isRegExp(pattern)) return nativeArgument(pattern)
  const message =
    'The "pattern" argument must be of type string. Received a RegExp: pass pattern.source, and its flags as options.flags'
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** Conversions of the first argument, by name of the transform. @type {Record<string, (value: unknown) => unknown>} */
const FIRST_ARGUMENT = {
  'json.validate': schemaText,
  'json.validateEach': schemaText,
  'text.matches': patternText,
  'text.replace': patternText
}

/** @param {string} name */
function nativeFactory(name) {
  const convertFirst = FIRST_ARGUMENT[name] ?? nativeArgument
  return (/** @type {unknown} */ first, /** @type {unknown[]} */ ...others) => {
    // Getters of options run before any bytes are checked: they may detach the memory of a key.
    const read = [convertFirst(first), ...others.map(nativeArgument)]
    return createTransform(name, read.map(withBytes))
  }
}

/** Remedies for common mistakes in the arguments of a factory, by the message of the error. @type {[RegExp, string][]} */
const HINTS = [
  [
    /^The "options" argument must be of type object\. (?!Received undefined)/,
    'Make the transform once and pass its input to pool.run()'
  ],
  [/^The property 'options\.(aad|nonce)' is unknown/, 'It belongs to the input: { data, aad }']
]

/**
 * Returns a public factory.
 * @param {string} name
 * @param {Function} make
 */
function factory(name, make) {
  const explained = (/** @type {unknown[]} */ ...args) => {
    try {
      return make(...args)
    } catch (error) {
      throw withHint(error)
    }
  }
  knownFactories.add(explained)
  return Object.defineProperty(explained, 'name', { value: name })
}

/** @param {any} error of a factory or of the user's code in its arguments */
function withHint(error) {
  if (!isNativeError(error) || !('code' in error)) return error
  const [, hint] = HINTS.find(([pattern]) => pattern.test(error.message)) ?? []
  return hint === undefined ? error : withCode(new TypeError(`${error.message}. ${hint}`), `${error.code}`)
}

/** Converts bytes to a Uint8Array, also those in properties of an object. @param {unknown} value */
function withBytes(value) {
  return isRecord(value) ? mapFields(value, asBytes) : asBytes(value)
}

/** @param {unknown} value */
function asBytes(value) {
  if (isDetached(value)) return detachedMarker(value)
  if (isAnyArrayBuffer(value)) return new Uint8Array(isSharedArrayBuffer(value) ? new Uint8Array(value) : value)
  if (!ArrayBuffer.isView(value)) return value
  const { buffer, byteOffset, byteLength } = value
  const bytes = isUint8Array(value) ? value : new Uint8Array(buffer, byteOffset, byteLength)
  return isSharedArrayBuffer(buffer) ? new Uint8Array(bytes) : bytes
}

/** Returns the factories by name; a dot in a native name makes a namespace. */
function factories() {
  /** @type {Record<string, any>} */
  const all = { chain, worker, workerScript }
  for (const name of native.transformNames()) {
    const [first, second] = name.split('.')
    if (second === undefined) all[first] = nativeFactory(name)
    else all[first] = { ...all[first], [second]: nativeFactory(name) }
  }
  // The native transforms of numbers depend on the class of the input.
  all.numeric = { ...numeric }
  all.json.stringify = stringify
  for (const [name, member] of Object.entries(all)) {
    if (typeof member === 'function') all[name] = factory(name, member)
    else for (const [inner, make] of Object.entries(member)) member[inner] = factory(inner, make)
    Object.freeze(all[name])
  }
  return Object.freeze(all)
}

module.exports = { transforms: factories() }
