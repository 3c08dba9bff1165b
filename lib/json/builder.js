'use strict'

const { Step } = require('../internal/loop-scheduler')
const native = require('../native')

const {
  stepWords: STEP_WORDS,
  kindMask: KIND_MASK,
  utf16: UTF16,
  doubles: DOUBLES,
  integers: INTEGERS,
  marked: MARKED,
  ...others
} = native.planFormat()
const { array: ARRAY, object: OBJECT, key: KEY, end: END, string: STRING, value: VALUE } = others

/** V8 makes preallocated arrays above this length dictionaries. */
const MAX_LENGTH = 32 << 20
/** Growing an array beyond this length blocks the event loop noticeably. */
const PREALLOCATE_ABOVE = 1 << 18
/** Ratio of the preallocated to the estimated length: shortening an array is cheap. */
const HEADROOM = 17 / 16

/** Maximum bytes of a piece of which copies are discarded: longer pieces have few values, or are text that becomes garbage itself. */
const MAX_DISCARDED = 100 << 10
/** Of documents with less text no copies are discarded: their values usually fit the nursery, and the copies would fill it. */
const SHORT_TEXT = 2 << 20
/** Estimated memory of a small value. */
const BYTES_PER_VALUE = 64
/** Bounds of the discarded copies of a piece of other values than numbers. */
const MIN_DISCARDS = 2
const MAX_DISCARDS = 4

/** Assigning a member with one of these names may call a setter. */
const inherited = Object.prototype

/**
 * @typedef {{ text: Buffer, plan: Uint32Array }} Part
 * @typedef {import('../internal/errors').SerializedFailure} SerializedFailure
 */

/**
 * Builds a large value step by step, by a plan that arrives in parts with its text. A step is a fraction of a millisecond of
 * `JSON.parse` (docs/internals/json.md).
 */
class JsonBuilder {
  /** Not built yet. @type {Part[]} */
  #parts = []
  /** Position in the plan of the first part. */
  #offset = 0
  #hasLastPart = false
  /** Whether copies of pieces are discarded. */
  #discards = false
  /** Unfinished values, from the outermost. @type {Frame[]} */
  #frames = []
  /** @type {unknown} */
  #value
  /** @type {SerializedFailure | undefined} */
  #failure
  #isPending
  #onDone
  /** Reservation for the text that is not built yet. @type {import('../native/reservation').Reservation | undefined} */
  reservation

  /**
   * @param {number} slice milliseconds that it may hold the event loop
   * @param {() => boolean} isPending
   * @param {(value: unknown, failure: SerializedFailure | undefined) => void} onDone called when the last part is built
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
    this.#parts.push({ text, plan: viewOf(Uint32Array, plan) })
    this.#hasLastPart = isLast
  }

  /** Bytes of text that remain to be built. */
  get bytesLeft() {
    return this.#parts.reduce((sum, { text }) => sum + text.length, 0)
  }

  /** Releases all parts and values. */
  discard() {
    this.#parts = []
    this.#frames = []
    this.#offset = 0
  }

  /** Applies the next step of the plan. `Done` means that all parts received before are built. */
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

  /** Builds the next step of a part. Returns true if no part is left. @param {Part} part */
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
    if (kind === ARRAY || kind === OBJECT) this.#discards = plan[this.#offset + 2] >= SHORT_TEXT
    if (kind === ARRAY) frames.push(new ArrayFrame(plan[this.#offset + 1]))
    else if (kind === OBJECT) frames.push(new ObjectFrame())
    else if (kind === STRING) frames.push(new StringFrame())
    else if (kind === END) this.#addValue(/** @type {Frame} */ (frames.pop()).end())
    else if (kind === DOUBLES || kind === INTEGERS) {
      const bytes = text.subarray(plan[this.#offset + 1], plan[this.#offset + 2])
      const list = /** @type {ArrayFrame} */ (frames[frames.length - 1])
      if (kind === DOUBLES) list.addDoubles(viewOf(Float64Array, bytes))
      else list.addIntegers(viewOf(Int32Array, bytes))
    } else {
      const frame = frames[frames.length - 1]
      const copies = this.#discards ? (frame?.discards ?? 0) : 0
      const piece = decodePiece(text, step, plan[this.#offset + 1], plan[this.#offset + 2], copies)
      if (kind === VALUE) this.#value = parse(step, piece)
      else frame.addPiece(step, piece)
    }
    this.#offset += STEP_WORDS
  }

  /** Adds a complete value to the innermost frame. @param {unknown} value */
  #addValue(value) {
    if (this.#frames.length === 0) this.#value = value
    else this.#frames[this.#frames.length - 1].addValue(value)
  }
}

/**
 * An unfinished value.
 * @typedef {object} Frame
 * @property {number} discards copies of the next piece to discard, see `decodePiece`
 * @property {(step: number, piece: string) => void} addPiece adds text: elements or members in brackets, a name, a part of a string
 * @property {(value: unknown) => void} addValue adds an element, or the value of the last name
 * @property {() => unknown} end returns the finished value
 */

/** @implements {Frame} */
class ArrayFrame {
  /** @type {unknown[] | undefined} */
  #value
  #length = 0
  #capacity
  discards = MIN_DISCARDS

  /** @param {number} length an estimate */
  constructor(length) {
    const enough = Math.floor(length * HEADROOM)
    this.#capacity = length > PREALLOCATE_ABOVE && enough <= MAX_LENGTH ? enough : 0
  }

  /**
   * @param {number} step
   * @param {string} piece
   */
  addPiece(step, piece) {
    const items = parse(step, piece)
    this.#value ??= allocate(this.#capacity, areDoubles(items))
    this.#length = appenderOf(items[0])(this.#value, this.#length, items)
    this.discards = copiesToDiscard(items, piece.length)
  }

  /** @param {Float64Array} doubles */
  addDoubles(doubles) {
    this.#value ??= allocate(this.#capacity, true)
    this.#length = appendDoubles(this.#value, this.#length, doubles)
  }

  /** @param {Int32Array} integers */
  addIntegers(integers) {
    this.#value ??= allocate(this.#capacity, false)
    this.#length = appendIntegers(this.#value, this.#length, integers)
  }

  /** @param {unknown} value */
  addValue(value) {
    this.#value ??= allocate(this.#capacity, false)
    this.#value[this.#length++] = value
  }

  end() {
    const value = this.#value ?? []
    value.length = this.#length
    return value
  }
}

/** @implements {Frame} */
class ObjectFrame {
  /** @type {Record<string, unknown> | undefined} */
  #value
  #key = ''
  discards = MIN_DISCARDS

  /**
   * @param {number} step
   * @param {string} piece
   */
  addPiece(step, piece) {
    const parsed = parse(step, piece)
    if ((step & KIND_MASK) === KEY) this.#key = parsed
    else if (this.#value === undefined) this.#value = parsed
    else {
      addMembers(this.#value, parsed)
      this.discards = typeof parsed[1] === 'number' ? 0 : MIN_DISCARDS
    }
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

/** @implements {Frame} */
class StringFrame {
  #value = ''
  discards = 0

  /**
   * @param {number} _step
   * @param {string} piece
   */
  addPiece(_step, piece) {
    this.#value += piece
  }

  addValue() {}

  end() {
    return this.#value
  }
}

/**
 * Decodes a piece several times and discards all but the last copy. This fills the nursery with dead text, so that V8 collects more
 * often, copies fewer survivors each time and pauses for less time.
 * Measured by the benchmarks `parse-records` and `parse-short-lists`.
 * @param {Buffer} text
 * @param {number} step
 * @param {number} start
 * @param {number} end
 * @param {number} discards
 */
function decodePiece(text, step, start, end, discards) {
  const isUtf16 = (step & UTF16) !== 0
  const encoding = isUtf16 ? 'utf16le' : 'latin1'
  const copies = end - start > MAX_DISCARDED ? 0 : discards
  for (let copy = 0; copy < copies; copy++) text.toString(encoding, start, end)
  return text.toString(encoding, start, end)
}

/**
 * Returns how many copies of the next piece to discard. Elements with less text survive as more memory per character, so more copies
 * are discarded.
 * @param {unknown[]} items
 * @param {number} length of their text
 */
function copiesToDiscard(items, length) {
  if (typeof items[0] === 'number') return 0
  const perText = (items.length * BYTES_PER_VALUE) / length
  return Math.min(Math.floor(perText) + MIN_DISCARDS, MAX_DISCARDS)
}

/**
 * @param {number} step
 * @param {string} piece
 */
function parse(step, piece) {
  const value = JSON.parse(piece)
  return (step & MARKED) === 0 ? value : value[1]
}

/**
 * Describes valid JSON that V8 cannot build, such as a string that is too long.
 * @param {any} error
 * @returns {SerializedFailure}
 */
function failure(error) {
  const message = `The document has a value that JavaScript cannot hold: ${error?.message}`
  return { code: 'ERR_OFFLOOP_OUTPUT_LIMIT', message }
}

/**
 * Adds members from a list of names and values in turn. A name that is an array index is a number, which V8 need not parse.
 * @param {Record<string | number, unknown>} object
 * @param {any[]} members
 */
function addMembers(object, members) {
  const names = new Set(Object.getOwnPropertyNames(inherited))
  for (let i = 0; i < members.length; i += 2) {
    const key = members[i]
    if (typeof key === 'number' ? key in inherited : names.has(key)) define(object, key, members[i + 1])
    else object[key] = members[i + 1]
  }
}

/**
 * Adds a member, even if its name is inherited.
 * @param {Record<string | number, unknown>} object
 * @param {string | number} key
 * @param {unknown} value
 */
function define(object, key, value) {
  if (key in inherited) {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else object[key] = value
}

/** Returns whether V8 stores a list as doubles. @param {unknown[]} items */
function areDoubles(items) {
  return (
    items.every(item => typeof item === 'number') && !items.every(item => item === /** @type {number} */ (item | 0))
  )
}

/**
 * Returns an array of unused elements. `new Array` does not suit doubles: V8 would copy all of it when the first one is stored.
 * @param {number} capacity
 * @param {boolean} ofDoubles
 */
function allocate(capacity, ofDoubles) {
  if (capacity === 0) return []
  if (!ofDoubles) return new Array(capacity)
  /** @type {unknown[]} */
  const array = [0.5]
  array.length = capacity
  return array
}

/**
 * Returns the function that appends elements of a kind to an array and returns its new length. V8 optimizes each function for one kind.
 * @param {unknown} element one of them
 */
function appenderOf(element) {
  return typeof element === 'number' ? appendNumbers : appendValues
}

/**
 * @param {unknown[]} array
 * @param {number} length
 * @param {unknown[]} items
 */
function appendValues(array, length, items) {
  for (let i = 0; i < items.length; i++) array[length + i] = items[i]
  return length + items.length
}

/**
 * @param {unknown[]} array
 * @param {number} length
 * @param {unknown[]} items
 */
function appendNumbers(array, length, items) {
  for (let i = 0; i < items.length; i++) array[length + i] = items[i]
  return length + items.length
}

/**
 * Keeps the doubles unboxed.
 * @param {unknown[]} array
 * @param {number} length
 * @param {Float64Array} doubles
 */
function appendDoubles(array, length, doubles) {
  for (let i = 0; i < doubles.length; i++) array[length + i] = doubles[i]
  return length + doubles.length
}

/**
 * @param {unknown[]} array
 * @param {number} length
 * @param {Int32Array} integers
 */
function appendIntegers(array, length, integers) {
  for (let i = 0; i < integers.length; i++) array[length + i] = integers[i]
  return length + integers.length
}

/**
 * Returns a view of bytes as numbers; of a copy if the bytes are not aligned in memory.
 * @template {Uint32Array | Int32Array | Float64Array} T
 * @param {{ new (buffer: ArrayBufferLike, offset: number, length: number): T, BYTES_PER_ELEMENT: number }} Numbers
 * @param {Buffer} bytes
 */
function viewOf(Numbers, bytes) {
  const size = Numbers.BYTES_PER_ELEMENT
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new Numbers(buffer, byteOffset, byteLength / size)
}

module.exports = { JsonBuilder }
