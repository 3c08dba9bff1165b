'use strict'

const { isDate } = require('node:util').types
const { isGeneratedBy } = require('./levels')
const { now } = require('../internal/clock')
const { checkMemory } = require('../internal/validate')

/** Approximate characters that a step writes, in a fraction of a millisecond. */
const STEP_BUDGET = 64 << 10
/** The clock is read once per this many values. */
const VALUES_PER_CLOCK_READ = 64
/** Numbers that are counted in one go, in a few microseconds. */
const NUMBERS_AT_ONCE = 512
/** Estimated characters of a number, a date, a short word, and the punctuation around a value. */
const NUMBER = 8
const DATE = 32
const KEYWORD = 5
const PUNCTUATION = 4
/** Result of measuring a value that does not fit, or that cannot be measured. */
const TOO_LARGE = -1
/** Values that do not fit this budget are remembered as large. */
const LARGE = STEP_BUDGET / 2

/** An object with more names is large: its names are listed once, and kept for the writer. */
const MANY_NAMES = 4096

/** Number of outermost levels in which getters and proxies are followed, and of the next levels, in which they count as large. */
const UNCHECKED_LEVELS = 4
const CHECKED_LEVELS = 2
/** Interval of levels at which `CHECKED_LEVELS` levels are checked. */
const CHECK_INTERVAL = 64

const INSIDE = 'A value inside the "input" argument'

const { toJSON: dateToJSON, toISOString } = Date.prototype

/**
 * Objects found to be large, with their names if these were listed. The map is weak, since a getter may return a new object each time.
 * The count avoids lookups in an empty map, which slow down measuring.
 */
class Large {
  /** @type {WeakMap<object, string[] | undefined>} */
  #names = new WeakMap()
  #count = 0

  /** @param {object} value */
  has(value) {
    return this.#count > 0 && this.#names.has(value)
  }

  /**
   * @param {object} value
   * @param {string[]} [names]
   */
  add(value, names) {
    if (!this.#names.has(value)) this.#count++
    this.#names.set(value, names)
  }

  /**
   * Removes an object and returns its names if they were listed. Removing keeps the map small: V8 rehashes a map in one step.
   * @param {object} value
   */
  take(value) {
    const names = this.#names.get(value)
    if (this.#names.delete(value)) this.#count--
    return names
  }
}

/** End of the current step. A value that is being measured then counts as large if `isDeadlineFinal`. */
let deadline = 0
/** Remaining depth at which the checked levels begin. */
let checkedDepth = 0
/** Remaining depth above which names are counted: listing those of a huge object takes long. */
let countedDepth = 0
/** Number of lists and objects that were measured. */
let measured = 0
/** Whether the step ended while a value was being measured, which will be measured again in the next step. */
let isInterrupted = false
/** Whether the value is the first of its step: measured again, it would end the next step too. */
let isDeadlineFinal = true
/** The toJSON of bigints if its last text was short, so that values with bigints need not be taken apart. @type {unknown} */
let shortToJSON

/** @param {number} time end of the step that begins */
function setDeadline(time) {
  deadline = time
}

/** True if a step that has read `count` values should end. @param {number} count */
function isPastDeadline(count) {
  return count % VALUES_PER_CLOCK_READ === 0 && now() >= deadline
}

/**
 * Remembers whether the toJSON of a bigint returned a short text.
 * @param {bigint} value
 * @param {unknown} plain
 */
function rememberBigIntText(value, plain) {
  const isShort = (typeof plain === 'string' && plain.length < DATE) || typeof plain === 'number'
  shortToJSON = isShort ? /** @type {any} */ (value).toJSON : undefined
}

/**
 * Returns the estimated budget left after the text of a value; negative if it exceeds `STEP_BUDGET` or has a toJSON.
 * @param {any} value
 * @param {number} depth levels to follow
 * @param {Large} large
 * @param {boolean} [isFirst] whether it is the whole value
 */
function measure(value, depth, large, isFirst = false) {
  checkedDepth = depth - UNCHECKED_LEVELS
  countedDepth = isFirst ? 0 : depth - 1
  isInterrupted = false
  isDeadlineFinal = true
  try {
    return measurePart(value, depth, large)
  } catch (error) {
    // The stack is almost full, so the value is taken apart.
    if (error instanceof RangeError) return TOO_LARGE
    throw error
  }
}

/**
 * Measures elements of a plain list until they fill a step or the step ends. Returns the index after them, or `~index` if the element
 * at `index` is too large.
 * @param {any[]} list
 * @param {number} start
 * @param {number} end
 * @param {number} depth levels to follow in each
 * @param {Large} large
 */
function measureRun(list, start, end, depth, large) {
  checkedDepth = depth - UNCHECKED_LEVELS
  countedDepth = depth - 1
  isInterrupted = false
  let left = STEP_BUDGET
  let index = start
  try {
    while (index < end && left > 0) {
      const element = list[index]
      if (typeof element === 'number') {
        const next = endOfNumbers(list, index + 1, Math.min(end, index + NUMBERS_AT_ONCE))
        left -= (next - index) * (NUMBER + 1)
        if (next - index === NUMBERS_AT_ONCE && now() >= deadline) return next
        index = next
        continue
      }
      isDeadlineFinal = index === start
      const rest = measurePart(element, depth, large)
      // Measuring may run user code, which may measure another value and set the flag.
      if (rest < 0) return isInterrupted && index > start ? index : ~index
      left -= STEP_BUDGET - rest + 1
      index++
      if (index % VALUES_PER_CLOCK_READ === 0 && now() >= deadline) return index
    }
  } catch (error) {
    if (error instanceof RangeError) return ~index
    throw error
  }
  return index
}

/**
 * Returns the index after the numbers at the start of a range.
 * @param {unknown[]} list
 * @param {number} start
 * @param {number} end
 */
function endOfNumbers(list, start, end) {
  let index = start
  while (index < end && typeof list[index] === 'number') index++
  return index
}

/**
 * @param {any} value
 * @param {number} depth
 * @param {Large} large
 */
function measurePart(value, depth, large) {
  if (typeof value === 'object' && value !== null) {
    if (large.has(value)) return TOO_LARGE
    return measureParts(value, STEP_BUDGET, depth, large)
  }
  if (typeof value === 'string') return STEP_BUDGET - value.length
  // The writer calls its toJSON, which needs the right key.
  if (typeof value === 'bigint') return TOO_LARGE
  if (typeof value === 'function') return hasToJSON(value) ? TOO_LARGE : STEP_BUDGET - KEYWORD
  return STEP_BUDGET - leafLength(value)
}

/**
 * Returns the budget left after a list or an object. Apart from `JSON.stringify`, this is most of the cost of writing: lists and objects
 * have separate functions with separate lookups of toJSON, which V8 optimizes for their shapes; strings are measured without a call.
 * @param {any} value
 * @param {number} budget
 * @param {number} depth levels to follow
 * @param {Large} large
 * @returns {number}
 */
function measureParts(value, budget, depth, large) {
  return Array.isArray(value) ? measureList(value, budget, depth, large) : measureObject(value, budget, depth, large)
}

/**
 * @param {any[]} list
 * @param {number} budget
 * @param {number} depth
 * @param {Large} large
 * @returns {number}
 */
function measureList(list, budget, depth, large) {
  if (!mayFollow(depth) || typeof (/** @type {any} */ (list).toJSON) === 'function') return TOO_LARGE
  let left = budget
  for (let i = 0; i < list.length && left >= 0; i++) {
    const element = list[i]
    if (typeof element === 'number') left -= NUMBER + 1
    else if (typeof element === 'string') left -= element.length + 1
    else if (typeof element !== 'object' || element === null) left -= leafLength(element) + 1
    else if (depth <= checkedDepth && isGenerated(list, i, depth)) left = TOO_LARGE
    else left = measureParts(element, left - 1, depth - 1, large)
  }
  if (left < 0 && budget >= LARGE && !isInterrupted) large.add(list)
  return left
}

/**
 * @param {any} value
 * @param {number} budget
 * @param {number} depth
 * @param {Large} large
 * @returns {number}
 */
function measureObject(value, budget, depth, large) {
  if (!mayFollow(depth)) return TOO_LARGE
  if (typeof value.toJSON === 'function') return isPlainDate(value) ? budget - DATE : TOO_LARGE
  if (depth > countedDepth && hasManyNames(value, large)) return TOO_LARGE
  let left = budget
  for (const key in value) {
    const member = value[key]
    left -= key.length + PUNCTUATION
    if (typeof member === 'string') left -= member.length
    else if (typeof member === 'number') left -= NUMBER
    else if (typeof member !== 'object' || member === null) left -= leafLength(member)
    else if (depth <= checkedDepth && isGenerated(value, key, depth)) left = TOO_LARGE
    else left = measureParts(member, left, depth - 1, large)
    if (left < 0) break
  }
  // A detached view has no members.
  if (left === budget) checkMemory(INSIDE, value)
  if (left < 0 && budget >= LARGE && !isInterrupted) large.add(value)
  return left
}

/** Returns false at the last level to follow and after the deadline of the step. @param {number} depth */
function mayFollow(depth) {
  if (depth <= 0) return false
  if (++measured % VALUES_PER_CLOCK_READ !== 0 || now() < deadline) return true
  isInterrupted = !isDeadlineFinal
  return false
}

/**
 * Returns whether an object has many names; if so, keeps them.
 * @param {object} value
 * @param {Large} large
 */
function hasManyNames(value, large) {
  const names = Object.keys(value)
  if (names.length <= MANY_NAMES) return false
  large.add(value, names)
  return true
}

/**
 * True if a getter or a proxy returned a part at a checked level: measuring it could generate levels without end. Only a few levels are
 * checked, since a check costs more than measuring.
 * @param {any} value
 * @param {string | number} key
 * @param {number} depth
 */
function isGenerated(value, key, depth) {
  return (checkedDepth - depth) % CHECK_INTERVAL < CHECKED_LEVELS && isGeneratedBy(value, key)
}

/** Estimates the length of a value without parts. @param {unknown} leaf */
function leafLength(leaf) {
  if (typeof leaf === 'string') return leaf.length
  if (typeof leaf === 'number') return NUMBER
  // A toJSON may return any value.
  if (typeof leaf === 'function' && hasToJSON(leaf)) return Infinity
  if (typeof leaf === 'bigint') return isShortBigInt(leaf) ? DATE : Infinity
  return KEYWORD
}

/** True if the inherited toJSON of a bigint is known to return a short text. @param {any} value */
function isShortBigInt(value) {
  return value.toJSON === shortToJSON && shortToJSON !== undefined
}

/** @param {any} value */
function isPlainDate(value) {
  return value.toJSON === dateToJSON && value.toISOString === toISOString && isDate(value)
}

/** @param {any} value */
function hasToJSON(value) {
  return typeof value.toJSON === 'function'
}

module.exports = {
  Large,
  NUMBER,
  PUNCTUATION,
  STEP_BUDGET,
  KEYWORD,
  setDeadline,
  hasToJSON,
  isPastDeadline,
  rememberBigIntText,
  measure,
  measureRun
}
