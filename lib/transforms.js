'use strict'

const { isAnyArrayBuffer, isSharedArrayBuffer, isUint8Array } = require('node:util').types
const native = require('./native')
const { ModuleTransform, ScriptTransform, module: module_, workerScript } = require('./lane')
const { ChainTransform } = require('./relay')
const { invalidType } = require('./validate')

/** Native transforms are forgotten when JavaScript has forgotten them. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.dropTransform(handle))

class Transform {
  #number
  #canFail

  /** @param {import('./binding').TransformInfo} info */
  constructor(info) {
    this.#number = info.handle
    this.#canFail = info.canFail
    /** @type {string} */
    this.name = info.name
    if (info.streaming) {
      /** @type {true | undefined} */
      this.streaming = true
    }
    registry.register(this, info.handle)
    Object.freeze(this)
  }

  /**
   * What native code calls it.
   * @param {unknown} value
   * @returns {number}
   */
  static number(value) {
    if (value === null || typeof value !== 'object' || !(#number in value)) {
      const missing = typeof value === 'function' ? ', not the factory of one: call it' : ''
      throw invalidType('The "transform" argument', `a transform made by offloop.transforms${missing}`, value)
    }
    return value.#number
  }

  /**
   * Whether an input of the right type can make it fail.
   * @param {Transform} transform
   */
  static canFail(transform) {
    return transform.#canFail
  }
}

/** @param {any[]} steps */
function chain(...steps) {
  if (steps.length === 0) throw invalidType('The "first" argument', 'a transform made by offloop.transforms', undefined)
  const parts = joined(steps.flatMap(step => (step instanceof ChainTransform ? ChainTransform.parts(step) : [step])))
  return parts.length === 1 ? parts[0] : new ChainTransform(parts)
}

/** Neighbours that are native become one. @param {any[]} steps */
function joined(steps) {
  /** @type {any[]} */
  const parts = []
  /** @type {Transform[]} */
  let natives = []
  const join = () => {
    if (natives.length === 1 && steps.length > 1) parts.push(natives[0])
    else if (natives.length > 0) parts.push(new Transform(native.chainTransforms(natives.map(Transform.number))))
    natives = []
  }
  for (const step of steps) {
    if (step instanceof ModuleTransform || step instanceof ScriptTransform) {
      join()
      parts.push(step)
    } else {
      Transform.number(step)
      natives.push(step)
    }
  }
  join()
  return parts
}

/** A schema travels as JSON text: it may be nested more deeply than arguments are. @param {unknown} schema */
function schemaText(schema) {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) {
    throw invalidType('The "schema" argument', 'of type object or boolean', schema)
  }
  return JSON.stringify(schema)
}

/** What becomes of the first argument of some factories. @type {Record<string, (value: unknown) => unknown>} */
const FIRST = { 'json.validate': schemaText, 'json.validateEach': schemaText }

/** @param {string} name */
function factory(name) {
  const first = FIRST[name] ?? plain
  const make = (/** @type {unknown[]} */ ...args) =>
    new Transform(
      native.makeTransform(
        name,
        args.map((value, place) => (place === 0 ? first(value) : plain(value)))
      )
    )
  return Object.defineProperty(make, 'name', { value: name.slice(name.lastIndexOf('.') + 1) })
}

/**
 * Bytes in any of JavaScript's clothes as a Uint8Array, one level deep; everything else as it is.
 * @param {unknown} value
 */
function plain(value) {
  const bytes = asBytes(value)
  if (bytes !== value || typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return bytes
  if (Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asBytes(field)]))
}

/** @param {unknown} value */
function asBytes(value) {
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
  for (const name of native.transformNames()) {
    const [first, second] = name.split('.')
    if (second === undefined) all[first] = factory(name)
    else {
      all[first] ??= {}
      all[first][second] = factory(name)
    }
  }
  for (const namespace of Object.values(all)) Object.freeze(namespace)
  return Object.freeze(all)
}

module.exports = { Transform, transforms: factories() }
