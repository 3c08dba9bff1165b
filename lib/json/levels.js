'use strict'

const { isMap, isProxy, isSet } = require('node:util').types
const { sizeOfBytes } = require('../internal/typed-array')

/** The first levels that are made are free: ordinary values have no more. */
const FREE = 4
/** The most bytes (512 KiB) that count for one of them, so that a value with a few large ones is not refused. */
const MOST_OF_LEVEL = 512 << 10
/** Estimated bytes of an element, a property, an entry of a Map or Set, and an object. */
const ELEMENT = 8
const PROPERTY = 48
const ENTRY = 32
const OBJECT = 32
/** Parts of a value that are weighed: the others are taken to be like them. */
const SAMPLE = 8
const SAMPLE_DEPTH = 3

/**
 * @typedef {{ value: any, key: string | number | undefined, length?: number, keys?: string[] | undefined }} Container
 * @typedef {{ made: number, left: number, held: number, at: number }} Level
 */

/**
 * Counts what the open levels hold that getters, proxies and toJSON made: the memory that endless values take while they are
 * written. A level that is made, and the plain levels inside it, counts with its weight and with the text before the next one.
 */
class Levels {
  /** @type {Level[]} */
  #open = []
  /** Bytes, about. */
  held = 0

  /** @param {number} most bytes */
  constructor(most) {
    this.most = most
  }

  /**
   * Opens a level. Returns whether the outer levels do not hold too much.
   * @param {boolean} isMade
   * @param {Container | undefined} container of the level
   * @param {number} at characters written before it
   */
  open(isMade, container, at) {
    const outer = this.#open[this.#open.length - 1]
    if (outer !== undefined && container !== undefined && outer.made > FREE) {
      const held = Math.min(outer.left, weightOf(container) + at - outer.at)
      this.held += held - outer.held
      outer.held = held
    }
    const left = isMade || outer === undefined ? MOST_OF_LEVEL : outer.left - outer.held
    this.#open.push({ made: (outer?.made ?? 0) + Number(isMade), left, held: 0, at })
    return this.held <= this.most
  }

  /** Whether the open levels are more than ordinary values make. */
  get isUnusual() {
    return (this.#open[this.#open.length - 1]?.made ?? 0) > FREE
  }

  /** Closes the innermost level. */
  close() {
    this.held -= this.#open.pop()?.held ?? 0
  }
}

/** Weighs an open container without the part that is being written. @param {Container} container */
function weightOf({ value, key, keys, length = 0 }) {
  // Only the traps of a proxy know what it holds.
  const read = isProxy(value) ? (/** @type {string | number} */ at) => value[at] : undefined
  if (keys === undefined)
    return (isProxy(value) ? 0 : length * ELEMENT) + weightOfParts(value, length, at => at, key, 0, read)
  return sizeOfBytes(value) + keys.length * PROPERTY + weightOfParts(value, keys.length, at => keys[at], key, 0, read)
}

/** Weighs a value without calling its code. @param {any} value @param {number} depth @returns {number} */
function weigh(value, depth) {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  if (isProxy(value)) return OBJECT
  const own = OBJECT + sizeOfBytes(value) + entriesOf(value) * ENTRY
  if (Array.isArray(value)) {
    return own + value.length * ELEMENT + weightOfParts(value, value.length, at => at, undefined, depth)
  }
  if (ArrayBuffer.isView(value)) return own
  const keys = Object.keys(value)
  return own + keys.length * PROPERTY + weightOfParts(value, keys.length, at => keys[at], undefined, depth)
}

/**
 * Weighs a few parts and the text of their keys, and takes all to be like them.
 * @param {any} value
 * @param {number} count
 * @param {(at: number) => string | number} keyAt
 * @param {string | number | undefined} except a key to leave out
 * @param {number} depth
 * @param {(key: string | number) => unknown} [read]
 */
function weightOfParts(value, count, keyAt, except, depth, read = key => partOf(value, key)) {
  if (depth === SAMPLE_DEPTH) return 0
  const step = Math.max(count / SAMPLE, 1)
  let weight = 0
  for (let at = 0; at < count; at += step) {
    const key = keyAt(Math.floor(at))
    if (typeof key === 'string') weight += key.length
    if (key !== except) weight += weigh(read(key), depth + 1)
  }
  return weight * step
}

/**
 * Whether a container makes a value when it is read: the value is not in memory otherwise.
 * @param {object} container
 * @param {string | number} key
 */
function isMadeBy(container, key) {
  return isProxy(container) || Object.getOwnPropertyDescriptor(container, key)?.get !== undefined
}

/** @param {object} value @param {string | number} key */
function partOf(value, key) {
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

/** @param {any} value */
function entriesOf(value) {
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

module.exports = { Levels, isMadeBy }
