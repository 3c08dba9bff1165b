'use strict'

const { isBigIntObject, isBooleanObject, isBoxedPrimitive, isNumberObject, isStringObject } = require('node:util').types
const { OffloopError, withCode } = require('../internal/errors')
const {
  PUNCTUATION,
  STEP_BUDGET,
  KEYWORD,
  setDeadline,
  hasToJSON,
  isPastDeadline,
  rememberBigIntText,
  measure
} = require('./size')
const { OpenLevels, isGeneratedBy } = require('./levels')
const { now } = require('../internal/clock')
const { checkMemory, invalidType } = require('../internal/validate')
const { formatPath } = require('./value-path')

/** A piece of text is handed out at this length, or after this time (ms): getters and toJSON may be slow. */
const PIECE_LENGTH = STEP_BUDGET / 4
const STEP_MS = 0.25
/** Time (ms) that the user's call may spend on finding out whether the value is small. */
const FIRST_LOOK_MS = 1
/** Text that is so long is handed out by itself: putting it together with other text would copy it. */
const LONG_TEXT = 1 << 12
/** Values nested more deeply are taken apart, since measuring is recursive. `maxDepth` may allow less. */
const MAX_DEPTH = 64
/** Levels to look ahead once `MAX_DEPTH` levels are open: getters may create each of them every time. */
const MAX_AHEAD = 8
/** The same where they did, or a toJSON, and each may be heavy. */
const MIN_AHEAD = 2
/** The fewest characters that an element of a list becomes, with its comma. */
const MIN_ELEMENT_LENGTH = 2
/** What V8 says where its stack ends, or a string would be too long. */
const OVERFLOW = /^(Maximum call stack size exceeded|Invalid string length)/

const INSIDE = 'A value inside the "input" argument'

/**
 * Writes a value as `JSON.stringify` does, a little at a time. What is small is given to `JSON.stringify` as it is; what is
 * large is taken apart. It is measured for that first: getters may be called several times.
 */
class JsonWriter {
  /** @type {(ArrayFrame | ObjectFrame)[]} what is being written, from the outermost on */
  #frames = []
  /** The same as a set: an object that contains itself has no JSON. */
  #ancestors = new Set()
  /**
   * Objects found to be large, so that they are not measured again as part of each object that contains them. Weak, since a
   * getter may return a new object each time.
   * @type {WeakSet<object>}
   */
  #large = new WeakSet()
  #maxDepth
  #levels
  /** Levels that a value may have to be measured. */
  #levelsAhead = 0
  /** Characters handed out. */
  #handedOut = 0
  /** Something was opened in this step: listing its names may have taken long. */
  #hasOpened = false
  /** @type {string[]} text that is handed out before what follows: as much as one step makes */
  #ready = []
  /** Text that may still grow. */
  #text = ''
  /** @type {{ text: string, at: number } | undefined} a string that is being written in parts */
  #string

  /** The fewest characters that the elements of all open lists still become. */
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
      throw invalidType('The "input" argument', 'a value that JSON has', value)
    }
  }

  /** Whether nothing is left but the text that is there. */
  get isWritten() {
    return this.#ready.length === 0 && this.#frames.length === 0 && this.#string === undefined
  }

  /** The next piece of text, which may be empty; `undefined` behind the last one. */
  next() {
    if (this.isWritten && this.#text === '') return undefined
    this.#hasOpened = false
    setDeadline(now() + STEP_MS)
    while (!this.#shouldPause()) {
      if (this.#string !== undefined) this.#writeString(this.#string)
      else this.#frames[this.#frames.length - 1].write(this)
    }
    let text = this.#ready.shift()
    if (text === undefined) {
      text = this.#text
      this.#text = ''
    }
    this.#handedOut += text.length
    return text
  }

  /** What the open levels hold, as `OpenLevels` counts it. */
  get heldBytes() {
    return this.#levels.heldBytes
  }

  /** How many characters were written so far. */
  get #position() {
    return this.#ready.reduce((sum, text) => sum + text.length, this.#handedOut + this.#text.length)
  }

  /** Whether there is something to hand out, or enough was done. */
  #shouldPause() {
    return (
      this.#hasOpened ||
      this.#ready.length > 0 ||
      this.#text.length >= PIECE_LENGTH ||
      this.isWritten ||
      isPastDeadline(0)
    )
  }

  /** Names the place that is being written, as in `input.items[3]`. */
  get path() {
    const frames = this.#frames
    return formatPath(frames.length, level => frames[level].key)
  }

  /** See `measure`. @param {unknown} value */
  measure(value) {
    return measure(value, this.#levelsAhead, this.#large)
  }

  /** Decides how many levels to measure of a value in the innermost open level. */
  #lookAhead() {
    const level = this.#frames.length
    const limit = this.#levels.isUnusual ? MIN_AHEAD : level < MAX_DEPTH ? MAX_DEPTH : MAX_AHEAD
    this.#levelsAhead = Math.min(limit, this.#maxDepth - level)
  }

  /** @param {string} text */
  append(text) {
    this.#text += text
  }

  /** Text that may be long. @param {string} text */
  appendLong(text) {
    if (text.length < LONG_TEXT) return this.append(text)
    if (this.#text !== '') this.#ready.push(this.#text)
    this.#ready.push(text)
    this.#text = ''
  }

  /** What it is about ends. @param {string} bracket */
  close(bracket) {
    this.#text += bracket
    this.#levels.close()
    this.#ancestors.delete(this.#frames.pop()?.value)
    this.#lookAhead()
  }

  /**
   * Writes `before` and a value that is too large, or has a toJSON. Returns whether the parts of the value come next; returns
   * `undefined`, and writes nothing, if JSON has no such value.
   * @param {any} value
   * @param {string} key of the value in what contains it
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
   * @param {boolean} isOriginal whether it is what stands there, and not what toJSON returned
   * @param {boolean} isLarge as was measured
   */
  #write(value, key, isOriginal, isLarge) {
    const leaf = unboxed(value)
    if (typeof leaf === 'string' && leaf.length > STEP_BUDGET) {
      this.#text += '"'
      this.#string = { text: leaf, at: 0 }
      return true
    }
    if (isLeaf(leaf)) return this.#writeWhole(leafText(leaf))
    if (this.#ancestors.has(value)) throw circularError(key)
    const isSmall = !isLarge && !hasToJSON(value) && this.measure(value) >= 0
    const text = isSmall ? smallText(value) : null
    if (text !== null) return this.#writeWhole(text)
    if (this.#frames.length >= this.#maxDepth) throw depthError(this.#maxDepth, this.path)
    this.#openLevel(value, key, isOriginal)
    return true
  }

  /** @param {any} value @param {string} key @param {boolean} isOriginal */
  #openLevel(value, key, isOriginal) {
    const outer = this.#frames[this.#frames.length - 1]
    const isGenerated = !isOriginal || (outer !== undefined && isGeneratedBy(outer.value, key))
    if (!this.#levels.open(isGenerated, outer, this.#position)) throw heldBytesError(this.#levels.maxBytes, this.path)
    const level = Array.isArray(value) ? new ArrayFrame(value) : new ObjectFrame(value)
    this.#ancestors.add(value)
    this.#hasOpened = true
    this.#frames.push(level)
    this.#lookAhead()
    if (level instanceof ArrayFrame) this.minLength += MIN_ELEMENT_LENGTH * level.length
    this.#text += level instanceof ArrayFrame ? '[' : '{'
  }

  /** @param {string | undefined} text */
  #writeWhole(text) {
    if (text === undefined) return undefined
    this.#text += text
    return false
  }

  /** @param {{ text: string, at: number }} string */
  #writeString(string) {
    let end = Math.min(string.at + STEP_BUDGET, string.text.length)
    // Without its other half a surrogate would be escaped.
    if (end < string.text.length && isHighSurrogate(string.text.charCodeAt(end - 1))) end--
    this.#text += JSON.stringify(string.text.slice(string.at, end)).slice(1, -1)
    string.at = end
    if (end < string.text.length) return
    this.#text += '"'
    this.#string = undefined
  }
}

/** A list that is written in runs of small elements. */
class ArrayFrame {
  #at = 0
  /** Elements before this one seemed small, but are not. */
  #largeUntil = 0

  /** @param {any[]} value */
  constructor(value) {
    this.value = value
    this.length = toLength(value.length)
  }

  /** The index of the element that is being written, if any. */
  get key() {
    return this.#at > 0 ? this.#at - 1 : undefined
  }

  /** @param {JsonWriter} writer */
  write(writer) {
    if (this.#at < this.#largeUntil) return this.#writeLarge(this.value[this.#at], writer)
    const first = this.#at
    /** @type {unknown[]} */
    const run = []
    let budget = STEP_BUDGET
    let isLarge = false
    while (this.#at < this.length && budget > 0 && !isLarge) {
      const element = this.value[this.#at]
      const left = writer.measure(element)
      isLarge = left < 0
      if (isLarge) break
      budget -= STEP_BUDGET - left + 1
      run.push(element)
      this.#at++
      if (isPastDeadline(run.length)) break
    }
    if (run.length > 0) {
      // It may inherit one, which the list itself has not.
      if (hasToJSON(run)) Object.defineProperty(run, 'toJSON', { value: undefined })
      const text = smallText(run)
      if (text === null) {
        this.#largeUntil = this.#at
        this.#at = first
        return
      }
      if (first > 0) writer.append(',')
      writer.appendLong(text.slice(1, -1))
      writer.minLength -= MIN_ELEMENT_LENGTH * run.length
    }
    if (isLarge) this.#writeLarge(this.value[this.#at], writer)
    else if (this.#at === this.length) writer.close(']')
  }

  /** @param {unknown} element @param {JsonWriter} writer */
  #writeLarge(element, writer) {
    const at = this.#at++
    writer.minLength -= MIN_ELEMENT_LENGTH
    const before = at > 0 ? ',' : ''
    if (writer.writeLarge(element, String(at), before) === undefined) writer.append(`${before}null`)
  }
}

/** An object that is written member by member. */
class ObjectFrame {
  #at = 0
  #isFirst = true
  /** @type {string[] | undefined} listed in a step of its own */
  keys

  /** @param {Record<string, unknown>} value */
  constructor(value) {
    this.value = value
  }

  /** The key of the member that is being written, if any. */
  get key() {
    return this.keys?.[this.#at - 1]
  }

  /** @param {JsonWriter} writer */
  write(writer) {
    this.keys ??= Object.keys(this.value)
    const keys = this.keys
    let budget = STEP_BUDGET
    for (let looks = 1; budget > 0 && !isPastDeadline(looks); looks++) {
      if (this.#at === keys.length) return writer.close('}')
      const key = keys[this.#at]
      const value = this.value[key]
      const left = writer.measure(value)
      this.#at++
      const before = `${this.#isFirst ? '' : ','}${JSON.stringify(key)}:`
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
        budget -= STEP_BUDGET - left + key.length + PUNCTUATION
      }
    }
  }
}

/** What is written in place of a value. @param {any} value @param {string} key */
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

/** Whether a value has no parts. @param {any} value */
function isLeaf(value) {
  return typeof value !== 'object' || value === null || /** @type {any} */ (JSON).isRawJSON?.(value) === true
}

/** Returns what `JSON.stringify` makes of a boxed primitive, and any other value as it is. @param {any} value @returns {any} */
function unboxed(value) {
  if (typeof value !== 'object' || !isBoxedPrimitive(value)) return value
  if (isStringObject(value)) return `${value}`
  if (isNumberObject(value)) return +(/** @type {any} */ (value))
  if (isBooleanObject(value)) return Boolean.prototype.valueOf.call(value)
  return isBigIntObject(value) ? BigInt.prototype.valueOf.call(value) : value
}

/** A value without parts whose toJSON, if it has one, was called. @param {unknown} value */
function leafText(value) {
  if (typeof value === 'function') return undefined
  if (typeof value === 'bigint') throw new TypeError('Do not know how to serialize a BigInt')
  return JSON.stringify(value)
}

/**
 * The text of a value that was measured as small. Returns `null` if it is not small after all, since a getter or a proxy
 * returned something else.
 * @template T
 * @param {T} value
 */
function smallText(value) {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError && OVERFLOW.test(error.message)) return null
    throw error
  }
}

/** Converts the length of a list, which may be anything for a proxy. @param {any} length */
function toLength(length) {
  const whole = Math.trunc(length)
  return whole > 0 ? Math.min(whole, Number.MAX_SAFE_INTEGER) : 0
}

/** @param {number} maxDepth @param {string} path */
function depthError(maxDepth, path) {
  const message = `The value is nested deeper than ${maxDepth} levels (options.maxDepth) at ${path}`
  return new OffloopError('ERR_OFFLOOP_INVALID_DATA', message, { transform: 'json.stringify' })
}

/** @param {number} maxBytes @param {string} path */
function heldBytesError(maxBytes, path) {
  const message =
    'The value is nested too deeply: its getters, proxies and toJSON hold more than ' +
    `${maxBytes} bytes at ${path}; raise options.maxOutput if that is expected`
  return new OffloopError('ERR_OFFLOOP_INVALID_DATA', message, { transform: 'json.stringify' })
}

/** @param {string | undefined} key */
function circularError(key) {
  const message = `Converting circular structure to JSON: property '${key}' closes the circle`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** @param {number} unit */
function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff
}

module.exports = { JsonWriter }
