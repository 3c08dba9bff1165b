'use strict'

const { isProxy } = require('node:util').types
const { keepHiddenClass } = require('../internal/hidden-class')
const { KEYWORD, NUMBER, PUNCTUATION, STEP_BUDGET, hasToJSON, isPastDeadline, measure, measureRun } = require('./size')

/**
 * The `JsonWriter`, as its frames use it.
 * @typedef {object} Writer
 * @property {number} minLength minimum characters of the remaining elements of all open lists
 * @property {number} levelsAhead number of levels to measure in each part of the innermost frame
 * @property {import('./size').Large} large
 * @property {(text: string) => void} append
 * @property {(text: string) => void} appendLong appends text that may be long
 * @property {(list: string, isFirst: boolean) => void} appendElements appends the elements of a list
 * @property {(list: string, isFirst: boolean) => void} appendMembers appends members; `list` alternates names and leaves
 * @property {(bracket: string) => void} close ends the innermost frame
 * @property {(value: unknown, key: string, before: string) => boolean | undefined} writeLarge writes `before` and a large value; returns
 *   whether its parts follow, `undefined` if it has no text
 */

/** Minimum characters of a list element and its comma. */
const MIN_ELEMENT_LENGTH = 2
/** Minimum names and values that are written as one list; the members of a shorter list are written one by one. */
const MIN_MEMBERS = 128
/** Maximum characters of a string in a list of members. */
const SHORT_STRING = 1024
/** V8's messages for values that must be taken apart: too deep, too long, or with a part that has no text, whose path is reported. */
const NOT_SMALL =
  /^(Maximum call stack|Invalid string length|Converting circular|Do not know how to serialize a BigInt)/

/** Character codes of '0' and '9': array indices begin with a digit. */
const ZERO = 0x30
const NINE = 0x39

const { slice } = Array.prototype

/** Writes a list in runs of small elements. */
class ArrayFrame {
  #index = 0
  /** Elements before this index seemed small, but are not. */
  #largeUntil = 0
  #isPlain

  /** @param {any[]} value */
  constructor(value) {
    this.value = value
    this.length = toLength(value.length)
    this.#isPlain = isPlainArray(value)
  }

  /** Index of the element that is being written, if any. */
  get key() {
    return this.#index > 0 ? this.#index - 1 : undefined
  }

  /** Minimum characters of all elements. */
  get minLength() {
    return MIN_ELEMENT_LENGTH * this.length
  }

  /** @param {Writer} writer */
  write(writer) {
    const { value, length } = this
    const { levelsAhead, large } = writer
    if (this.#index < this.#largeUntil) return this.#writeLarge(value[this.#index], writer)
    const first = this.#index
    /** @type {unknown[]} */
    const elements = []
    const end = this.#isPlain
      ? measureRun(value, first, length, levelsAhead, large)
      : readRun(value, first, length, writer, elements)
    const isLarge = end < 0
    const index = isLarge ? ~end : end
    if (index > first) {
      const run = this.#isPlain ? slice.call(value, first, index) : elements
      // A getter or toJSON may have shortened the list, whose missing elements are written as null.
      if (run.length < index - first) run.length = index - first
      if (!this.#writeRun(run, writer)) return
      this.#index = index
    }
    if (isLarge) this.#writeLarge(value[index], writer)
    else if (index === length) writer.close(']')
  }

  /**
   * Returns false, and writes nothing, if the run is not small after all.
   * @param {unknown[]} run
   * @param {Writer} writer
   */
  #writeRun(run, writer) {
    hideToJSON(run)
    const text = smallText(run)
    if (text === null) {
      this.#largeUntil = this.#index + run.length
      return false
    }
    writer.appendElements(text, this.#index === 0)
    writer.minLength -= MIN_ELEMENT_LENGTH * run.length
    return true
  }

  /**
   * @param {unknown} element
   * @param {Writer} writer
   */
  #writeLarge(element, writer) {
    const index = this.#index++
    writer.minLength -= MIN_ELEMENT_LENGTH
    const before = index > 0 ? ',' : ''
    if (writer.writeLarge(element, String(index), before) === undefined) writer.append(`${before}null`)
  }
}

/** Writes an object member by member. */
class ObjectFrame {
  #index = 0
  #isFirst = true
  /** Members before this index are written one by one: a member of their run was not small after all. */
  #singlyUntil = 0

  /**
   * @param {Record<string, unknown>} value
   * @param {string[]} [keys] listed when the first member is written, by default
   */
  constructor(value, keys) {
    this.value = value
    this.keys = keys
  }

  /** Key of the member that is being written, if any. */
  get key() {
    return this.keys?.[this.#index - 1]
  }

  /** @param {Writer} writer */
  write(writer) {
    this.keys ??= Object.keys(this.value)
    const { keys, value: object } = this
    const { length } = keys
    /** @type {unknown[]} */
    let members = []
    /** Small members that follow one another. @type {Record<string, unknown> | undefined} */
    let run
    let budget = STEP_BUDGET
    for (let looks = 1; budget > 0 && this.#index < length && !isPastDeadline(looks); looks++) {
      const key = keys[this.#index++]
      const value = object[key]
      budget -= key.length + PUNCTUATION
      if (isShortLeaf(value)) {
        if (run !== undefined && !this.#writeRun(run, this.#index - 1, writer)) return
        run = undefined
        members.push(key, value)
        budget -= typeof value === 'string' ? value.length : NUMBER
        continue
      }
      this.#writeLeaves(members, writer)
      members = []
      const left = measure(value, writer.levelsAhead, writer.large)
      if (left >= 0 && this.#index > this.#singlyUntil && mayJoinRun(key, value)) {
        run ??= /** @type {Record<string, unknown>} */ (Object.create(null))
        run[key] = value
        budget -= STEP_BUDGET - left
        continue
      }
      if (run !== undefined && !this.#writeRun(run, this.#index - 1, writer)) return
      run = undefined
      const before = this.#nameOf(key)
      const text = left < 0 ? null : smallText(value)
      if (text === null) {
        const isOpen = writer.writeLarge(value, key, before)
        if (isOpen !== undefined) this.#isFirst = false
        if (isOpen) return
        budget -= KEYWORD
      } else {
        if (text !== undefined) {
          writer.append(before)
          writer.appendLong(text)
          this.#isFirst = false
        }
        budget -= STEP_BUDGET - left
      }
    }
    this.#writeLeaves(members, writer)
    if (run !== undefined && !this.#writeRun(run, this.#index, writer)) return
    if (this.#index === length) writer.close('}')
  }

  /**
   * Returns false without writing if a member of the run is not small after all: its members are then written one by one.
   * @param {Record<string, unknown>} run
   * @param {number} end index after the run
   * @param {Writer} writer
   */
  #writeRun(run, end, writer) {
    const text = smallText(run)
    if (text === null) {
      this.#index = end - Object.keys(run).length
      this.#singlyUntil = end
      return false
    }
    // A getter of toJSON may remove a member after it was measured.
    if (text !== '{}') {
      writer.appendElements(text, this.#isFirst)
      this.#isFirst = false
    }
    return true
  }

  /** @param {string} key */
  #nameOf(key) {
    return `${this.#isFirst ? '' : ','}${JSON.stringify(key)}:`
  }

  /**
   * @param {unknown[]} members names and short leaves, alternating
   * @param {Writer} writer
   */
  #writeLeaves(members, writer) {
    if (members.length >= MIN_MEMBERS) {
      hideToJSON(members)
      writer.appendMembers(JSON.stringify(members), this.#isFirst)
      this.#isFirst = false
      return
    }
    for (let i = 0; i < members.length; i += 2) {
      writer.append(this.#nameOf(/** @type {string} */ (members[i])) + JSON.stringify(members[i + 1]))
      this.#isFirst = false
    }
  }
}

/** True if the text of a value is short and depends on no other value. @param {unknown} value */
function isShortLeaf(value) {
  if (typeof value === 'string') return value.length <= SHORT_STRING
  return typeof value === 'number' || typeof value === 'boolean' || value === null
}

/**
 * True if a member may join a run. A name that may be an array index may not: V8 would move it to the front.
 * @param {string} key
 * @param {unknown} value
 */
function mayJoinRun(key, value) {
  const first = key.charCodeAt(0)
  return typeof value === 'object' && !(first >= ZERO && first <= NINE)
}

/** Keeps `JSON.stringify` from calling a toJSON of Array.prototype on a list. @param {unknown[]} list */
function hideToJSON(list) {
  if (hasToJSON(list)) Object.defineProperty(list, 'toJSON', { value: undefined })
}

/**
 * Writes a value that was measured as small. Returns `null` if it is not, since a getter or a proxy returned another value.
 * @template T
 * @param {T} value
 */
function smallText(value) {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof Error && NOT_SMALL.test(error.message)) return null
    throw error
  }
}

/**
 * Like `measureRun`, for a list that is not plain: reads each element only once, since a proxy may return another value the second
 * time.
 * @param {any} list
 * @param {number} start
 * @param {number} end
 * @param {Writer} writer
 * @param {unknown[]} elements receives the elements that fit
 */
function readRun(list, start, end, { levelsAhead, large }, elements) {
  let index = start
  for (let left = STEP_BUDGET; index < end && left > 0; ) {
    const element = list[index]
    const rest = measure(element, levelsAhead, large)
    if (rest < 0) return ~index
    elements.push(element)
    left -= STEP_BUDGET - rest + 1
    index++
    if (isPastDeadline(index - start)) break
  }
  return index
}

/** Returns whether a list may be copied with `slice`, which keeps numbers unboxed. @param {unknown[]} value */
function isPlainArray(value) {
  return !isProxy(value) && Object.getPrototypeOf(value) === Array.prototype && !Object.hasOwn(value, 'constructor')
}

/** Converts the length of a list, which may be any value for a proxy. @param {any} length */
function toLength(length) {
  const integer = Math.trunc(length)
  return integer > 0 ? Math.min(integer, Number.MAX_SAFE_INTEGER) : 0
}

keepHiddenClass(new ArrayFrame([]))
keepHiddenClass(new ObjectFrame({}, []))

module.exports = { ArrayFrame, ObjectFrame, smallText }
