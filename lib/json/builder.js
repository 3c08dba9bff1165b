'use strict'

const { Step } = require('../internal/loop-scheduler')
const native = require('../native')

const { stepWords: STEP_WORDS, kindMask: KIND_MASK, utf16: UTF16, unescaped: UNESCAPED, ...kinds } = native.planFormat()
const { array: ARRAY, object: OBJECT, key: KEY, end: END, string: STRING, value: VALUE } = kinds

/** V8 makes longer arrays dictionaries if their length is given. */
const MAX_LENGTH = 32 << 20
/** Growing a shorter array takes no time to speak of; growing a longer one stops the loop for longer each time. */
const PREALLOCATE_ABOVE = 1 << 18
/** More than the estimated length of an array: cutting it is cheap. */
const HEADROOM = 17 / 16

/** What every object has: assigning to it is not defining it. */
const inherited = Object.prototype

/**
 * @typedef {{ text: Buffer, plan: Uint32Array }} Part
 * @typedef {import('../internal/errors').SerializedFailure} SerializedFailure
 */

/**
 * A large value of JSON that is built step by step, as its plan says. Each step is small enough for a slice, and parsed by
 * `JSON.parse`. Plan and text come in parts.
 */
class JsonBuilder {
  /** @type {Part[]} that are not built yet: as many as native code has read ahead */
  #parts = []
  /** In the plan of the first part. */
  #offset = 0
  #hasLastPart = false
  /** @type {Frame[]} what is being filled, from the outermost on */
  #frames = []
  /** @type {unknown} */
  #value
  /** @type {SerializedFailure | undefined} */
  #failure
  #isPending
  #onDone
  /** Counts the text that is left to build in the pool. @type {import('../native/reservation').Reservation | undefined} */
  reservation

  /**
   * @param {number} slice how long (ms) it may hold the loop
   * @param {() => boolean} isPending
   * @param {(value: unknown, failure: SerializedFailure | undefined) => void} onDone called once, when the last part is there
   */
  constructor(slice, isPending, onDone) {
    this.slice = slice
    this.#isPending = isPending
    this.#onDone = onDone
  }

  /**
   * @param {Buffer} text
   * @param {Buffer} plan
   * @param {boolean} isLast
   */
  add(text, plan, isLast) {
    this.#parts.push({ text, plan: asWords(plan) })
    this.#hasLastPart = isLast
  }

  /** Bytes of text that are not built yet. */
  get bytesLeft() {
    return this.#parts.reduce((sum, { text }) => sum + text.length, 0)
  }

  /** Releases what is built so far. */
  discard() {
    this.#parts = []
    this.#frames = []
    this.#offset = 0
  }

  /** Applies the next step of the plan. `Done` means that there is nothing more to build now. */
  step() {
    if (this.#failure !== undefined || !this.#isPending()) this.discard()
    const part = this.#parts[0]
    if (part !== undefined && !this.#buildNext(part)) return Step.More
    if (this.#hasLastPart) {
      this.#hasLastPart = false
      this.#onDone(this.#value, this.#failure)
    }
    return Step.Done
  }

  /** Does the next step of a part. Returns whether no part is left. @param {Part} part */
  #buildNext(part) {
    try {
      if (this.#offset < part.plan.length) this.#applyStep(part)
    } catch (error) {
      this.#failure = failure(error)
      return false
    }
    if (this.#offset < part.plan.length) return false
    this.#offset = 0
    this.#parts.shift()
    return this.#parts.length === 0
  }

  /** @param {Part} part */
  #applyStep({ text, plan }) {
    const step = plan[this.#offset]
    const kind = step & KIND_MASK
    const frames = this.#frames
    if (kind === ARRAY) frames.push(new ArrayFrame(plan[this.#offset + 1]))
    else if (kind === OBJECT) frames.push(new ObjectFrame())
    else if (kind === STRING) frames.push(new StringFrame())
    else if (kind === END) this.#addValue(/** @type {Frame} */ (frames.pop()).end())
    else {
      const piece = decodePiece(text, step, plan[this.#offset + 1], plan[this.#offset + 2])
      if (kind === VALUE) this.#value = JSON.parse(piece)
      else frames[frames.length - 1].addPiece(step, piece)
    }
    this.#offset += STEP_WORDS
  }

  /** Adds a complete value to the innermost frame. @param {unknown} value */
  #addValue(value) {
    if (this.#frames.length === 0) this.#value = value
    else this.#frames[this.#frames.length - 1].addValue(value)
  }
}

/** @typedef {ArrayFrame | ObjectFrame | StringFrame} Frame */

class ArrayFrame {
  /** @type {unknown[]} */
  #value
  #length = 0

  /** @param {number} length that it will have, as far as one can tell */
  constructor(length) {
    const enough = Math.floor(length * HEADROOM)
    this.#value = length > PREALLOCATE_ABOVE && enough <= MAX_LENGTH ? new Array(enough) : []
  }

  /** @param {number} _step @param {string} piece elements in brackets */
  addPiece(_step, piece) {
    const items = JSON.parse(piece)
    for (let i = 0; i < items.length; i++) this.#value[this.#length++] = items[i]
  }

  /** @param {unknown} value */
  addValue(value) {
    this.#value[this.#length++] = value
  }

  end() {
    this.#value.length = this.#length
    return this.#value
  }
}

class ObjectFrame {
  /** @type {Record<string, unknown> | undefined} */
  #value
  #key = ''

  /** @param {number} step @param {string} piece members in brackets, or a name */
  addPiece(step, piece) {
    const parsed = JSON.parse(piece)
    if ((step & KIND_MASK) === KEY) this.#key = parsed
    else if (this.#value === undefined) this.#value = parsed
    else for (const key of Object.keys(parsed)) define(this.#value, key, parsed[key])
  }

  /** @param {unknown} value */
  addValue(value) {
    this.#value ??= {}
    define(this.#value, this.#key, value)
  }

  end() {
    return this.#value
  }
}

class StringFrame {
  #value = ''

  /** @param {number} step @param {string} piece of the string, without quotes */
  addPiece(step, piece) {
    this.#value += (step & UNESCAPED) !== 0 ? piece : JSON.parse(`"${piece}"`)
  }

  addValue() {}

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
function decodePiece(text, step, start, end) {
  if ((step & UTF16) !== 0) return text.toString('utf16le', start, end)
  text.toString('latin1', start, end)
  return text.toString('latin1', start, end)
}

/** What V8 cannot build although it is JSON: too long a string. @param {any} error @returns {SerializedFailure} */
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
function asWords(bytes) {
  const size = Uint32Array.BYTES_PER_ELEMENT
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new Uint32Array(buffer, byteOffset, byteLength / size)
}

module.exports = { JsonBuilder }
