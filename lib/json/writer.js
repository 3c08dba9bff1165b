'use strict'

const { isBigIntObject, isBooleanObject, isBoxedPrimitive, isNumberObject, isStringObject } = require('node:util').types
const { OffloopError } = require('../internal/errors')
const { ArrayFrame, ObjectFrame, smallText } = require('./frames')
const { Large, STEP_BUDGET, setDeadline, hasToJSON, isPastDeadline, rememberBigIntText, measure } = require('./size')
const { OpenLevels, isGeneratedBy } = require('./levels')
const { now } = require('../internal/clock')
const { checkMemory, invalidType, invalidValue } = require('../internal/validate')
const { isHighSurrogate } = require('./utf-encoder')
const { formatPath } = require('./value-path')

/** A piece of text ends at this length, or after this time in milliseconds: getters and toJSON may be slow. */
const PIECE_LENGTH = STEP_BUDGET / 4
const STEP_MS = 0.25
/** Milliseconds for which a value may be measured in the user's call, to find out whether it is small. */
const FIRST_LOOK_MS = 1
/** Text of at least this length becomes a separate piece: joining it with other text would copy it. */
const LONG_TEXT = 1 << 12
/** More deeply nested values are taken apart, since measuring is recursive. `maxDepth` may be lower. */
const MAX_DEPTH = 1024
/** Number of levels to measure below a level that a getter, a proxy or toJSON returned, until this many levels are open. */
const MAX_GENERATED = 64
/** Number of levels to measure from then on: a getter may create them again at each measurement. */
const MAX_AHEAD = 8
/** Number of levels to measure if unusually many open levels are generated: each of the next ones may be large too. */
const MIN_AHEAD = 2
/** Number of values that a turn of a frame counts as for `isPastDeadline`: opening a level costs more than a value. */
const VALUES_PER_TURN = 8

const INSIDE = 'A value inside the "input" argument'

/**
 * Text, or a list whose brackets are removed after encoding: removing bytes is faster than slicing text. A list that has names
 * alternates the names and values of members, and the comma after each name becomes a colon.
 * @typedef {string | { list: string, isFirst: boolean, hasNames: boolean, length: number }} Piece
 */

/**
 * Writes a value as `JSON.stringify` does, piece by piece. Small values are passed to `JSON.stringify`, large ones are taken apart.
 * All are measured first, so getters may be called several times.
 */
class JsonWriter {
  /** Open lists and objects, from the outermost. @type {(ArrayFrame | ObjectFrame)[]} */
  #frames = []
  /** Values of the frames, to detect cycles. */
  #ancestors = new Set()
  #maxDepth
  #levels
  /** Characters of the returned pieces. */
  #returnedLength = 0
  /** Turns of the frames in this step. */
  #turns = 0
  /** Finished pieces of one step. @type {Piece[]} */
  #ready = []
  /** The piece that is being written. */
  #text = ''
  /** A string that is written in parts. @type {{ text: string, offset: number } | undefined} */
  #string

  /** Objects found to be large and not opened yet, so that they are not measured again as part of each object that contains them. */
  large = new Large()
  /** Number of levels to measure in each part of the innermost frame. */
  levelsAhead = 0
  /** Minimum characters of the remaining elements of all open lists. */
  minLength = 0

  /**
   * @param {unknown} value
   * @param {number} maxDepth
   * @param {number} maxHeld see `OpenLevels`
   */
  constructor(value, maxDepth, maxHeld) {
    this.#maxDepth = maxDepth
    this.#levels = new OpenLevels(maxHeld)
    this.#lookAhead()
    setDeadline(now() + FIRST_LOOK_MS)
    const plain = callToJSON(value, '')
    if (this.#write(plain, '', plain === value, false) === undefined) {
      throw invalidType('The "input" argument', 'a value that JSON can represent', value)
    }
  }

  /** True if all text is in `#text`. */
  get isWritten() {
    return this.#ready.length === 0 && this.#frames.length === 0 && this.#string === undefined
  }

  /** Returns the next piece, which may be empty; `undefined` after the last one. */
  next() {
    if (this.isWritten && this.#text === '') return undefined
    this.#turns = 0
    setDeadline(now() + STEP_MS)
    while (!this.#shouldPause()) {
      if (this.#string !== undefined) this.#writeString(this.#string)
      else this.#frames[this.#frames.length - 1].write(this)
    }
    let piece = this.#ready.shift()
    if (piece === undefined) {
      piece = this.#text
      this.#text = ''
    }
    this.#returnedLength += piece.length
    return piece
  }

  /** Estimated bytes of the open levels, see `OpenLevels`. */
  get heldBytes() {
    return this.#levels.heldBytes
  }

  /** Characters written. */
  get #position() {
    return this.#ready.reduce((sum, piece) => sum + piece.length, this.#returnedLength + this.#text.length)
  }

  /** True if a piece is ready, or the step has lasted long enough. */
  #shouldPause() {
    return (
      this.#ready.length > 0 ||
      this.#text.length >= PIECE_LENGTH ||
      this.isWritten ||
      isPastDeadline(VALUES_PER_TURN * this.#turns++)
    )
  }

  /** Path of the value that is being written, such as `input.items[3]`. */
  get path() {
    return this.#pathOf(this.#frames.length)
  }

  #pathOf(/** @type {number} */ depth) {
    return formatPath(depth, level => this.#frames[level].key)
  }

  #circularError(/** @type {unknown} */ ancestor) {
    const first = this.#pathOf(this.#frames.findIndex(frame => frame.value === ancestor))
    return invalidValue(`Converting circular structure to JSON: ${this.path} is ${first}, which contains it`)
  }

  /** Sets the number of levels to measure of a value in the innermost open level. */
  #lookAhead() {
    const level = this.#frames.length
    this.levelsAhead = Math.min(levelsAhead(this.#levels, level), this.#maxDepth - level)
  }

  /** @param {string} text */
  append(text) {
    this.#text += text
  }

  /** Appends text that may be long. @param {string} text */
  appendLong(text) {
    if (text.length < LONG_TEXT) this.append(text)
    else this.#appendPiece(text)
  }

  /**
   * Appends the elements of a list.
   * @param {string} list
   * @param {boolean} isFirst whether no element precedes them
   */
  appendElements(list, isFirst) {
    if (list.length < LONG_TEXT) this.append(`${isFirst ? '' : ','}${list.slice(1, -1)}`)
    else this.#appendPiece({ list, isFirst, hasNames: false, length: list.length })
  }

  /**
   * Appends members of an object.
   * @param {string} list that alternates names and leaves
   * @param {boolean} isFirst whether no member precedes them
   */
  appendMembers(list, isFirst) {
    this.#appendPiece({ list, isFirst, hasNames: true, length: list.length })
  }

  #appendPiece(/** @type {Piece} */ piece) {
    if (this.#text !== '') this.#ready.push(this.#text)
    this.#ready.push(piece)
    this.#text = ''
  }

  /** Ends the innermost frame. @param {string} bracket */
  close(bracket) {
    this.#text += bracket
    this.#levels.close()
    this.#ancestors.delete(this.#frames.pop()?.value)
    this.#lookAhead()
  }

  /**
   * Writes `before` and a value that is too large or has a toJSON. Returns whether the parts of the value follow; returns `undefined`,
   * and writes nothing, if the value cannot be represented in JSON.
   * @param {any} value
   * @param {string} key of the value in its container
   * @param {string} before
   */
  writeLarge(value, key, before) {
    const text = this.#text
    this.#text += before
    const plain = callToJSON(value, key)
    const isOpen = this.#write(plain, key, plain === value, plain === value)
    if (isOpen === undefined) this.#text = text
    return isOpen
  }

  /**
   * @param {any} value whose own toJSON was called
   * @param {string} key
   * @param {boolean} isOriginal whether toJSON has not replaced the value
   * @param {boolean} isLarge whether it was measured as large
   */
  #write(value, key, isOriginal, isLarge) {
    const leaf = unboxed(value)
    if (typeof leaf === 'string' && leaf.length > STEP_BUDGET) {
      this.#text += '"'
      this.#string = { text: leaf, offset: 0 }
      return true
    }
    if (typeof leaf === 'bigint') throw invalidValue(`Do not know how to serialize a BigInt at ${this.path}`)
    if (isLeaf(leaf)) return this.#writeText(leafText(leaf))
    if (this.#ancestors.has(value)) throw this.#circularError(value)
    const isSmall =
      !isLarge && !hasToJSON(value) && measure(value, this.levelsAhead, this.large, this.#frames.length === 0) >= 0
    const text = isSmall ? smallText(value) : null
    if (text !== null) return this.#writeText(text)
    if (this.#frames.length >= this.#maxDepth) {
      throw invalidData(`The value is nested deeper than ${this.#maxDepth} levels (options.maxDepth) at ${this.path}`)
    }
    this.#openLevel(value, key, isOriginal)
    return true
  }

  /**
   * @param {any} value
   * @param {string} key
   * @param {boolean} isOriginal
   */
  #openLevel(value, key, isOriginal) {
    const outer = this.#frames[this.#frames.length - 1]
    const isGenerated = !isOriginal || (outer !== undefined && isGeneratedBy(outer.value, key))
    if (!this.#levels.open(isGenerated, outer, this.#position)) throw heldBytesError(this.#levels.maxBytes, this.path)
    const names = this.large.take(value)
    const level = Array.isArray(value) ? new ArrayFrame(value) : new ObjectFrame(value, names)
    this.#ancestors.add(value)
    this.#frames.push(level)
    this.#lookAhead()
    if (level instanceof ArrayFrame) this.minLength += level.minLength
    this.#text += level instanceof ArrayFrame ? '[' : '{'
  }

  /** @param {string | undefined} text */
  #writeText(text) {
    if (text === undefined) return undefined
    this.#text += text
    return false
  }

  /** @param {{ text: string, offset: number }} string */
  #writeString(string) {
    let end = Math.min(string.offset + STEP_BUDGET, string.text.length)
    // Half of a surrogate pair would be escaped.
    if (end < string.text.length && isHighSurrogate(string.text.charCodeAt(end - 1))) end--
    this.#text += JSON.stringify(string.text.slice(string.offset, end)).slice(1, -1)
    string.offset = end
    if (end < string.text.length) return
    this.#text += '"'
    this.#string = undefined
  }
}

/**
 * Returns the number of levels to measure in an open level.
 * @param {OpenLevels} levels
 * @param {number} level number of open levels
 */
function levelsAhead(levels, level) {
  if (levels.isUnusual) return MIN_AHEAD
  if (!levels.isGenerated) return MAX_DEPTH
  return level < MAX_GENERATED ? MAX_GENERATED : MAX_AHEAD
}

/**
 * Returns the result of a value's toJSON, or a value without a toJSON itself.
 * @param {any} value
 * @param {string} key
 */
function callToJSON(value, key) {
  const mayHave =
    (typeof value === 'object' && value !== null) || typeof value === 'bigint' || typeof value === 'function'
  if (!mayHave || !hasToJSON(value)) return value
  // The toJSON of a detached Buffer returns an empty list.
  checkMemory(INSIDE, value)
  const plain = value.toJSON(key)
  if (typeof value === 'bigint') rememberBigIntText(value, plain)
  checkMemory(INSIDE, plain)
  return plain
}

/** True if a value has no parts. @param {any} value */
function isLeaf(value) {
  return typeof value !== 'object' || value === null || /** @type {any} */ (JSON).isRawJSON?.(value) === true
}

/**
 * Unboxes a primitive as `JSON.stringify` does, and returns any other value.
 * @param {any} value
 * @returns {any}
 */
function unboxed(value) {
  if (typeof value !== 'object' || !isBoxedPrimitive(value)) return value
  if (isStringObject(value)) return `${value}`
  if (isNumberObject(value)) return +(/** @type {any} */ (value))
  if (isBooleanObject(value)) return Boolean.prototype.valueOf.call(value)
  return isBigIntObject(value) ? BigInt.prototype.valueOf.call(value) : value
}

/** Writes a value without parts whose toJSON, if any, was called. @param {unknown} value */
function leafText(value) {
  if (typeof value === 'function') return undefined
  return JSON.stringify(value)
}

/**
 * @param {number} maxBytes
 * @param {string} path
 */
function heldBytesError(maxBytes, path) {
  return invalidData(
    'The value is nested too deeply: its getters, proxies and toJSON hold more than ' +
      `${maxBytes} bytes at ${path}; raise options.maxOutput if that is expected`
  )
}

/** @param {string} message */
function invalidData(message) {
  return new OffloopError('ERR_OFFLOOP_INVALID_DATA', message, { transform: 'json.stringify' })
}

module.exports = { JsonWriter }
