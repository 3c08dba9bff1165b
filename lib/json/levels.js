'use strict'

const { isMap, isProxy, isSet } = require('node:util').types
const { sizeOfBytes } = require('../internal/typed-array')

/** The outermost generated levels are not counted: ordinary values have no more than these. */
const FREE_LEVELS = 4
/** Maximum bytes counted for a generated level, so that a value with a few large levels is accepted. */
const MAX_LEVEL_BYTES = 512 << 10
/** Estimated bytes of an element, a property, an entry of a Map or Set, and an object. */
const ELEMENT_BYTES = 8
const PROPERTY_BYTES = 48
const ENTRY_BYTES = 32
const OBJECT_BYTES = 32
/** Number of parts from which the size of all parts is estimated, and the depth to which these are followed. */
const SAMPLE_SIZE = 8
const SAMPLE_DEPTH = 3

/**
 * @typedef {{ value: any, key: string | number | undefined, length?: number, keys?: string[] | undefined }} Container
 * @typedef {{ generated: number, bytesLeft: number, heldBytes: number, position: number }} Level
 */

/**
 * Estimates the memory of the open levels, which would grow without end if getters, proxies or toJSON keep generating levels. A
 * generated level and the plain levels in it count with their estimated size and the text written before the next level opens.
 */
class OpenLevels {
  /** @type {Level[]} */
  #levels = []
  /** Estimated bytes of the open levels. */
  heldBytes = 0

  /** @param {number} maxBytes */
  constructor(maxBytes) {
    this.maxBytes = maxBytes
  }

  /**
   * Opens a level. Returns false if the levels around it hold more than `maxBytes`.
   * @param {boolean} isGenerated whether a getter, a proxy or toJSON returned its value
   * @param {Container | undefined} container that the value of the new level is part of
   * @param {number} position characters written before the level
   */
  open(isGenerated, container, position) {
    const outer = this.#levels[this.#levels.length - 1]
    if (outer !== undefined && container !== undefined && outer.generated > FREE_LEVELS) {
      const heldBytes = Math.min(outer.bytesLeft, estimateContainer(container) + position - outer.position)
      this.heldBytes += heldBytes - outer.heldBytes
      outer.heldBytes = heldBytes
    }
    const bytesLeft = isGenerated || outer === undefined ? MAX_LEVEL_BYTES : outer.bytesLeft - outer.heldBytes
    this.#levels.push({ generated: (outer?.generated ?? 0) + Number(isGenerated), bytesLeft, heldBytes: 0, position })
    return this.heldBytes <= this.maxBytes
  }

  /** True if more of the open levels are generated than in ordinary values. */
  get isUnusual() {
    return (this.#levels[this.#levels.length - 1]?.generated ?? 0) > FREE_LEVELS
  }

  /** True if an open level is generated. */
  get isGenerated() {
    return (this.#levels[this.#levels.length - 1]?.generated ?? 0) > 0
  }

  /** Closes the innermost level. */
  close() {
    this.heldBytes -= this.#levels.pop()?.heldBytes ?? 0
  }
}

/** Estimates the size of an open container without the part that is being written. @param {Container} container */
function estimateContainer({ value, key, keys, length = 0 }) {
  // Only the traps of a proxy know its parts.
  const read = isProxy(value) ? (/** @type {string | number} */ key) => value[key] : undefined
  if (keys === undefined)
    return (isProxy(value) ? 0 : length * ELEMENT_BYTES) + estimateParts(value, length, index => index, key, 0, read)
  return (
    sizeOfBytes(value) +
    keys.length * PROPERTY_BYTES +
    estimateParts(value, keys.length, index => keys[index], key, 0, read)
  )
}

/**
 * Estimates the size of a value without running its code.
 * @param {any} value
 * @param {number} depth
 * @returns {number}
 */
function estimateValue(value, depth) {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  if (isProxy(value)) return OBJECT_BYTES
  const own = OBJECT_BYTES + sizeOfBytes(value) + entryCount(value) * ENTRY_BYTES
  if (Array.isArray(value)) {
    return own + value.length * ELEMENT_BYTES + estimateParts(value, value.length, index => index, undefined, depth)
  }
  if (ArrayBuffer.isView(value)) return own
  const keys = Object.keys(value)
  return own + keys.length * PROPERTY_BYTES + estimateParts(value, keys.length, index => keys[index], undefined, depth)
}

/**
 * Estimates the size of all parts and their keys from a sample.
 * @param {any} value
 * @param {number} count
 * @param {(index: number) => string | number} keyAt
 * @param {string | number | undefined} except a key to leave out
 * @param {number} depth
 * @param {(key: string | number) => unknown} [read]
 */
function estimateParts(value, count, keyAt, except, depth, read = key => ownValue(value, key)) {
  if (depth === SAMPLE_DEPTH) return 0
  const step = Math.max(count / SAMPLE_SIZE, 1)
  let bytes = 0
  for (let index = 0; index < count; index += step) {
    const key = keyAt(Math.floor(index))
    if (typeof key === 'string') bytes += key.length
    if (key !== except) bytes += estimateValue(read(key), depth + 1)
  }
  return bytes * step
}

/**
 * True if reading a part runs a getter or a proxy, which may generate the part.
 * @param {object} container
 * @param {string | number} key
 */
function isGeneratedBy(container, key) {
  return isProxy(container) || Object.getOwnPropertyDescriptor(container, key)?.get !== undefined
}

/**
 * @param {object} value
 * @param {string | number} key
 */
function ownValue(value, key) {
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

/** @param {any} value */
function entryCount(value) {
  if (isMap(value)) return sizeOfMap.call(value)
  return isSet(value) ? sizeOfSet.call(value) : 0
}

const sizeOfMap = sizeGetter(Map.prototype)
const sizeOfSet = sizeGetter(Set.prototype)

/** @param {object} prototype */
function sizeGetter(prototype) {
  const { get } = /** @type {{ get: () => number }} */ (Object.getOwnPropertyDescriptor(prototype, 'size'))
  return get
}

module.exports = { OpenLevels, isGeneratedBy }
