'use strict'

const { isDate } = require('node:util').types
const { isMadeBy } = require('./levels')
const { now } = require('../internal/clock')
const { checkMemory } = require('../internal/validate')

/** Characters that a step writes, approximately: it takes a fraction of a millisecond. */
const ROOM = 64 << 10
/** The clock is read once per this many values. */
const UNCLOCKED = 64
/** Estimated characters of a number, a date, a short word, and the punctuation around a value. */
const NUMBER = 8
const DATE = 32
const WORD = 5
const AROUND = 4
/** Size of a value that cannot be measured, or does not fit. */
const TOO_LARGE = -1
/** A value that does not fit into this many characters is remembered as large. */
const MUCH = ROOM / 2

/** Levels whose getters and proxies are always followed, and the number of levels behind them where none is. */
const UNSUSPECTED = 4
const CHECKED = 2

const INSIDE = 'A value inside the "input" argument'

const { toJSON: dateToJSON, toISOString } = Date.prototype

/** The end of the current step: values not measured by then count as large. */
let deadline = 0
/** The level (as a depth that is left) from which on getters are not followed. */
let suspect = 0
/** Lists and objects measured so far. */
let measured = 0
/** The toJSON of bigints, if it returned a short text last: values that contain bigints need not be taken apart then. @type {unknown} */
let shortToJSON

/** Sets the time by which a step ends. @param {number} time */
function endAt(time) {
  deadline = time
}

/** Whether a step that has looked at `count` values has taken long enough. @param {number} count */
function isLate(count) {
  return count % UNCLOCKED === 0 && now() >= deadline
}

/** Remembers what the toJSON of a bigint returned. @param {bigint} value @param {unknown} plain */
function learnBigInt(value, plain) {
  const isShort = (typeof plain === 'string' && plain.length < DATE) || typeof plain === 'number'
  shortToJSON = isShort ? /** @type {any} */ (value).toJSON : undefined
}

/**
 * How much of `ROOM` is left behind the text of a value, about. Less than none: it is larger, or only calling its toJSON
 * will tell.
 * @param {any} value
 * @param {number} depth levels that it may have
 * @param {WeakSet<object>} large
 */
function measure(value, depth, large) {
  // Its toJSON has to receive the right key.
  if (typeof value === 'bigint') return TOO_LARGE
  if (typeof value === 'function') return hasToJSON(value) ? TOO_LARGE : ROOM - WORD
  if (typeof value !== 'object' || value === null) return ROOM - leafLength(value)
  if (large.has(value)) return TOO_LARGE
  if (hasToJSON(value)) return isUsualDate(value) ? ROOM - DATE : TOO_LARGE
  suspect = depth - UNSUSPECTED
  return measureParts(value, ROOM, depth, large)
}

/**
 * The same of a list or an object, and of less room. This is most of what writing costs beside `JSON.stringify`: leaves are
 * not worth a call, and of an object as most are only a member is taken for its toJSON.
 * @param {any} value
 * @param {number} room
 * @param {number} depth levels that it may have
 * @param {WeakSet<object>} large
 * @returns {number}
 */
function measureParts(value, room, depth, large) {
  if (depth === 0) return TOO_LARGE
  if (++measured % UNCLOCKED === 0 && now() >= deadline) return TOO_LARGE
  let left = room
  if (Array.isArray(value)) {
    if (hasToJSON(value)) return TOO_LARGE
    for (let i = 0; i < value.length && left >= 0; i++) {
      const element = value[i]
      if (typeof element === 'string') left -= element.length + 1
      else if (typeof element !== 'object' || element === null) left -= leafLength(element) + 1
      else if (depth <= suspect && isMade(value, i, depth)) left = TOO_LARGE
      else left = measureParts(element, left - 1, depth - 1, large)
    }
  } else {
    if (Object.getPrototypeOf(value) !== Object.prototype && hasToJSON(value)) {
      return isUsualDate(value) ? room - DATE : TOO_LARGE
    }
    for (const key in value) {
      const member = value[key]
      left -= key.length + AROUND
      if (typeof member === 'string') left -= member.length
      else if (typeof member !== 'object' || member === null) left -= leafLength(member)
      else if (depth <= suspect && isMade(value, key, depth)) left = TOO_LARGE
      else left = measureParts(member, left, depth - 1, large)
      if (typeof member === 'function' && key === 'toJSON') left = TOO_LARGE
      if (left < 0) break
    }
    // Lost memory has no properties.
    if (left === room) checkMemory(INSIDE, value)
  }
  if (left < 0 && room >= MUCH) large.add(value)
  return left
}

/**
 * Whether a getter or a proxy returned a part at one of the levels where that is checked: measuring must not make an endless
 * value. The levels are few since looking costs more than measuring.
 * @param {any} value
 * @param {string | number} key
 * @param {number} depth
 */
function isMade(value, key, depth) {
  return depth > suspect - CHECKED && isMadeBy(value, key)
}

/** What a value without parts takes, about. @param {unknown} leaf */
function leafLength(leaf) {
  if (typeof leaf === 'string') return leaf.length
  if (typeof leaf === 'number') return NUMBER
  // A toJSON may return any value.
  if (typeof leaf === 'function' && hasToJSON(leaf)) return Infinity
  if (typeof leaf === 'bigint') return isShortBigInt(leaf) ? DATE : Infinity
  return WORD
}

/** Whether JSON has a short text for a bigint: the toJSON that it inherits decides. @param {any} value */
function isShortBigInt(value) {
  return value.toJSON === shortToJSON && shortToJSON !== undefined
}

/** @param {any} value */
function isUsualDate(value) {
  return value.toJSON === dateToJSON && value.toISOString === toISOString && isDate(value)
}

/** @param {any} value */
function hasToJSON(value) {
  return typeof value.toJSON === 'function'
}

module.exports = { AROUND, ROOM, WORD, endAt, hasToJSON, isLate, learnBigInt, measure }
