'use strict'

const { isAnyArrayBuffer, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const native = require('../native')
// Both register how their results are decoded.
require('../csv/table')
require('../json/documents')
const { ModuleTransform, ScriptTransform, module: module_, workerScript } = require('../worker')
const { NumericTransform, numeric } = require('./numeric')
const { ChainTransform } = require('./chain')
const { StringifyTransform, stringify } = require('./json-stringify')
const { Transform } = require('../native/transform')
const { withCode } = require('../internal/errors')
const { findDetached, isDetached, detachedMarker } = require('../internal/detached')
const { invalidType, detachedError } = require('../internal/validate')

/** @param {any[]} steps */
function chain(...steps) {
  if (steps.length === 0) throw invalidType('The "first" argument', 'a transform made by offloop.transforms', undefined)
  const parts = joinNative(steps.flatMap(step => (ChainTransform.is(step) ? ChainTransform.steps(step) : [step])))
  return parts.length === 1 ? parts[0] : new ChainTransform(parts)
}

/** Neighbours that are native become one. @param {any[]} steps */
function joinNative(steps) {
  /** @type {any[]} */
  const parts = []
  /** @type {Transform[]} */
  let natives = []
  const join = () => {
    const [only] = natives
    const isAlone = natives.length === 1 && steps.length > 1
    const chained = isAlone ? only : new Transform(native.chainTransforms(natives.map(Transform.handle)), only)
    natives = []
    const previous = parts[parts.length - 1]
    // What is written goes on as bytes that need not come back.
    if (StringifyTransform.is(previous)) parts[parts.length - 1] = StringifyTransform.append(previous, chained)
    else parts.push(chained)
  }
  for (const step of steps) {
    if (NON_NATIVE.some(Kind => Kind.is(step))) {
      if (natives.length > 0) join()
      parts.push(step)
    } else {
      Transform.handle(step)
      natives.push(step)
    }
  }
  if (natives.length > 0) join()
  return parts
}

/** Those that are no native transforms and no chains. */
const NON_NATIVE = [ModuleTransform, ScriptTransform, NumericTransform, StringifyTransform]

/** A schema travels as JSON text: it may be nested more deeply than arguments are. @param {unknown} schema */
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
    const message = `The "schema" argument must be a value that JSON has: ${/** @type {Error} */ (cause).message}`
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

/** What becomes of the first argument of some factories. @type {Record<string, (value: unknown) => unknown>} */
const FIRST_ARGUMENT = { 'json.validate': schemaText, 'json.validateEach': schemaText }

/** @param {string} name */
function factory(name) {
  const convertFirst = FIRST_ARGUMENT[name] ?? copyOptions
  const make = (/** @type {unknown[]} */ ...args) => {
    // Getters of options run before any bytes are checked: they may detach the memory of a key.
    const read = args.map((value, index) => (index === 0 ? convertFirst(value) : copyOptions(value)))
    return new Transform(native.createTransform(name, read.map(withBytes)))
  }
  return Object.defineProperty(make, 'name', { value: name.slice(name.lastIndexOf('.') + 1) })
}

/**
 * Bytes in any of JavaScript's clothes as a Uint8Array, one level deep; everything else as it is.
 * @param {unknown} value
 */
function withBytes(value) {
  if (!isRecord(value)) return asBytes(value)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asBytes(field)]))
}

/** Copies options, so that no getters are left; returns everything else as it is. @param {unknown} value */
function copyOptions(value) {
  return isRecord(value) ? Object.fromEntries(Object.entries(value)) : value
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isRecord(value) {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !isAnyArrayBuffer(value)
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

/** One factory for each transform that native code knows; a dot in its name makes a namespace. */
function factories() {
  /** @type {Record<string, any>} */
  const all = { chain, module: module_, workerScript }
  // Those of numbers depend on what they are given.
  for (const name of native.transformNames().filter(name => !name.startsWith('numeric.'))) {
    const [first, second] = name.split('.')
    if (second === undefined) all[first] = factory(name)
    else {
      all[first] ??= {}
      all[first][second] = factory(name)
    }
  }
  all.numeric = numeric
  all.json.stringify = stringify
  for (const namespace of Object.values(all)) Object.freeze(namespace)
  return Object.freeze(all)
}

module.exports = { Transform, transforms: factories() }
