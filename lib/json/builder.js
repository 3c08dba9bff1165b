'use strict'

// The words of a plan, as `src/transform/json/build_plan.rs` writes them.
const STEP_WORDS = 3
const LIST = 0
const OBJECT = 1
const KEY = 3
const END = 4
const TEXT = 5
const VALUE = 7
/** A step's kind without its flags. */
const KIND = 15
const WIDE = 16
const PLAIN = 32

/** V8 makes longer arrays dictionaries if their length is given. */
const MAX_LENGTH = 32 << 20
/** Growing a shorter array takes no time to speak of; growing a longer one stops the loop for longer each time. */
const LONG = 1 << 18
/** More than the estimated length of an array: cutting it is cheap. */
const SPARE = 17 / 16

/** What every object has: assigning to it is not defining it. */
const inherited = Object.prototype

/**
 * @typedef {{ text: Buffer, plan: Uint32Array }} Part
 * @typedef {import('../internal/errors').FailureRecord} FailureRecord
 */

/**
 * A large value of JSON that is built step by step, as its plan says. Each step is small enough for a slice, and parsed by
 * `JSON.parse`. Plan and text come in parts.
 */
class DocumentBuild {
  /** @type {Part[]} that are not built yet: as many as native code has read ahead */
  #parts = []
  /** In the plan of the first part. */
  #at = 0
  #isWhole = false
  /** @type {Filled[]} what is being filled, from the outermost on */
  #filled = []
  /** @type {unknown} */
  #value
  /** @type {FailureRecord | undefined} */
  #failure
  #isWanted
  #done
  /** Counts the text that is left to build in the pool. @type {import('../native/reservation').Reservation | undefined} */
  reservation

  /**
   * @param {number} slice how long (ms) it may hold the loop
   * @param {() => boolean} isWanted
   * @param {(value: unknown, failure: FailureRecord | undefined) => void} done called once, when the last part is there
   */
  constructor(slice, isWanted, done) {
    this.slice = slice
    this.#isWanted = isWanted
    this.#done = done
  }

  /**
   * @param {Buffer} text
   * @param {Buffer} plan
   * @param {boolean} isLast
   */
  add(text, plan, isLast) {
    this.#parts.push({ text, plan: wordsOf(plan) })
    this.#isWhole = isLast
  }

  /** Bytes of text that are not built yet. */
  get left() {
    return this.#parts.reduce((sum, { text }) => sum + text.length, 0)
  }

  /** Lets go of what is there. */
  drop() {
    this.#parts = []
    this.#filled = []
    this.#at = 0
  }

  /** Builds a little more. Returns whether there is nothing more to build now. */
  step() {
    if (this.#failure !== undefined || !this.#isWanted()) this.drop()
    const part = this.#parts[0]
    if (part !== undefined && !this.#isBuilt(part)) return false
    if (this.#isWhole) this.#done(this.#value, this.#failure)
    return true
  }

  /** Does the next step of a part. Returns whether no part is left. @param {Part} part */
  #isBuilt(part) {
    try {
      if (this.#at < part.plan.length) this.#next(part)
    } catch (error) {
      this.#failure = failure(error)
      return false
    }
    if (this.#at < part.plan.length) return false
    this.#at = 0
    this.#parts.shift()
    return this.#parts.length === 0
  }

  /** @param {Part} part */
  #next({ text, plan }) {
    const step = plan[this.#at]
    const kind = step & KIND
    const filled = this.#filled
    if (kind === LIST) filled.push(new List(plan[this.#at + 1]))
    else if (kind === OBJECT) filled.push(new Members())
    else if (kind === TEXT) filled.push(new Text())
    else if (kind === END) this.#attach(/** @type {Filled} */ (filled.pop()).end())
    else {
      const piece = read(text, step, plan[this.#at + 1], plan[this.#at + 2])
      if (kind === VALUE) this.#value = JSON.parse(piece)
      else filled[filled.length - 1].take(step, piece)
    }
    this.#at += STEP_WORDS
  }

  /** Something is complete: it goes to what it is a part of. @param {unknown} value */
  #attach(value) {
    if (this.#filled.length === 0) this.#value = value
    else this.#filled[this.#filled.length - 1].attach(value)
  }
}

/** @typedef {List | Members | Text} Filled */

class List {
  /** @type {unknown[]} */
  #value
  #length = 0

  /** @param {number} length that it will have, as far as one can tell */
  constructor(length) {
    const enough = Math.floor(length * SPARE)
    this.#value = length > LONG && enough <= MAX_LENGTH ? new Array(enough) : []
  }

  /** @param {number} _step @param {string} piece elements in brackets */
  take(_step, piece) {
    const items = JSON.parse(piece)
    for (let i = 0; i < items.length; i++) this.#value[this.#length++] = items[i]
  }

  /** @param {unknown} value */
  attach(value) {
    this.#value[this.#length++] = value
  }

  end() {
    this.#value.length = this.#length
    return this.#value
  }
}

class Members {
  /** @type {Record<string, unknown> | undefined} */
  #value
  #key = ''

  /** @param {number} step @param {string} piece members in brackets, or a name */
  take(step, piece) {
    const parsed = JSON.parse(piece)
    if ((step & KIND) === KEY) this.#key = parsed
    else if (this.#value === undefined) this.#value = parsed
    else for (const key of Object.keys(parsed)) define(this.#value, key, parsed[key])
  }

  /** @param {unknown} value */
  attach(value) {
    this.#value ??= {}
    define(this.#value, this.#key, value)
  }

  end() {
    return this.#value
  }
}

class Text {
  #value = ''

  /** @param {number} step @param {string} piece of the string, without quotes */
  take(step, piece) {
    this.#value += (step & PLAIN) !== 0 ? piece : JSON.parse(`"${piece}"`)
  }

  attach() {}

  end() {
    return this.#value
  }
}

/**
 * V8 collects when its young generation is full, and stops the loop for as long as copying takes what is alive in it. Text is
 * not, once it is parsed: with two bytes for a character, as wide text has, there is room for less else.
 * @param {Buffer} text
 * @param {number} step
 * @param {number} start
 * @param {number} end
 */
function read(text, step, start, end) {
  if ((step & WIDE) !== 0) return text.toString('utf16le', start, end)
  text.toString('latin1', start, end)
  return text.toString('latin1', start, end)
}

/** What V8 cannot build although it is JSON: too long a string. @param {any} error @returns {FailureRecord} */
function failure(error) {
  const message = `The document is larger than values of JavaScript can be: ${error?.message}`
  return { code: 'ERR_OFFLOOP_OUTPUT_LIMIT', message }
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} key
 * @param {unknown} value
 */
function define(object, key, value) {
  if (key in inherited) {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else object[key] = value
}

/** @param {Buffer} bytes */
function wordsOf(bytes) {
  const size = Uint32Array.BYTES_PER_ELEMENT
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new Uint32Array(buffer, byteOffset, byteLength / size)
}

module.exports = { DocumentBuild }
