'use strict'

const { isBoxedPrimitive, isDate } = require('node:util').types
const { OffloopError, withCode } = require('./errors')
const { now } = require('./loop')
const { checkMemory, invalidType } = require('./validate')
const { placeOf } = require('./value-place')

/** About so many characters are written at a time: a fraction of a millisecond. */
const ROOM = 64 << 10
/** A piece of text is handed out at this length, or after this time (ms): getters and toJSON may be slow. */
const ENOUGH = ROOM / 4
const LATE = 0.25
/** The clock is read once per this many values. */
const UNCLOCKED = 64
/** Time (ms) that the user's call may spend on finding out whether the value is small. */
const LOOK = 1
/** Text that is so long is handed out by itself: putting it together with other text would copy it. */
const LONG = 1 << 12
/** Values nested more deeply are taken apart, since measuring is recursive. `maxDepth` may allow less. */
const MAX_DEPTH = 64
/** Levels to look ahead once `MAX_DEPTH` levels are open: getters may create each of them every time. */
const MAX_AHEAD = 8
/** What a number, a date, a short word or what stands around a value takes, about. */
const NUMBER = 8
const DATE = 32
const WORD = 5
const AROUND = 4
/** What cannot be measured, or does not fit. */
const TOO_LARGE = -1
/** What does not fit into so much room is known as large from then on. */
const MUCH = ROOM / 2

const INSIDE = 'A value inside the "input" argument'

const dateToJSON = Date.prototype.toJSON

/**
 * Writes a value as `JSON.stringify` does, a little at a time. What is small is given to `JSON.stringify` as it is; what is
 * large is taken apart. It is measured for that first: getters may be called several times.
 */
class JsonWriter {
  /** @type {(List | Members)[]} what is being written, from the outermost on */
  #open = []
  /** The same as a set: an object that contains itself has no JSON. */
  #within = new Set()
  /**
   * Objects found to be large, so that they are not measured again as part of each object that contains them. Weak, since a
   * getter may return a new object each time.
   * @type {WeakSet<object>}
   */
  #large = new WeakSet()
  #maxDepth
  /** Something was opened in this step: listing its names may have taken long. */
  #hasOpened = false
  /** @type {string[]} text that is handed out before what follows: as much as one step makes */
  #ready = []
  /** Text that may still grow. */
  #text = ''
  /** @type {{ text: string, at: number } | undefined} a string that is being written in parts */
  #string

  /** @param {unknown} value @param {number} maxDepth */
  constructor(value, maxDepth) {
    this.#maxDepth = maxDepth
    deadline = now() + LOOK
    if (this.#write(plainOf(value, ''), '', false) === undefined) {
      throw invalidType('The "input" argument', 'a value that JSON has', value)
    }
  }

  /** Whether nothing is left but the text that is there. */
  get isEnding() {
    return this.#ready.length === 0 && this.#open.length === 0 && this.#string === undefined
  }

  /** The next piece of text, which may be empty; `undefined` behind the last one. */
  next() {
    if (this.isEnding && this.#text === '') return undefined
    this.#hasOpened = false
    deadline = now() + LATE
    while (!this.#isPause()) {
      if (this.#string !== undefined) this.#writeString(this.#string)
      else this.#open[this.#open.length - 1].write(this)
    }
    const ready = this.#ready.shift()
    if (ready !== undefined) return ready
    const text = this.#text
    this.#text = ''
    return text
  }

  /** Whether there is something to hand out, or enough was done. */
  #isPause() {
    return this.#hasOpened || this.#ready.length > 0 || this.#text.length >= ENOUGH || this.isEnding || this.isLate(0)
  }

  /** Whether this step, which has looked at `count` values, has taken long enough. @param {number} count */
  isLate(count) {
    return count % UNCLOCKED === 0 && now() >= deadline
  }

  /** Names the place that is being written, as in `input.items[3]`. */
  get place() {
    const open = this.#open
    return placeOf(open.length, level => open[level].key)
  }

  /** See `measure`. @param {unknown} value */
  measure(value) {
    const level = this.#open.length
    return measure(value, Math.min(level < MAX_DEPTH ? MAX_DEPTH : MAX_AHEAD, this.#maxDepth - level), this.#large)
  }

  /** @param {string} text */
  put(text) {
    this.#text += text
  }

  /** Text that may be long. @param {string} text */
  putWhole(text) {
    if (text.length < LONG) return this.put(text)
    if (this.#text !== '') this.#ready.push(this.#text)
    this.#ready.push(text)
    this.#text = ''
  }

  /** What it is about ends. @param {string} bracket */
  close(bracket) {
    this.#text += bracket
    this.#within.delete(this.#open.pop()?.value)
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
    const plain = plainOf(value, key)
    const isOpen = this.#write(plain, key, plain === value)
    if (isOpen === undefined) this.#text = text
    return isOpen
  }

  /**
   * @param {any} value whose own toJSON was called
   * @param {string} key
   * @param {boolean} isLarge as was measured
   */
  #write(value, key, isLarge) {
    if (typeof value === 'string' && value.length > ROOM) {
      this.#text += '"'
      this.#string = { text: value, at: 0 }
      return true
    }
    if (isLeaf(value)) return this.#writeWhole(leafText(value))
    if (this.#within.has(value)) throw circular(key)
    const isSmall = !isLarge && !hasToJSON(value) && this.measure(value) >= 0
    if (isSmall) return this.#writeWhole(JSON.stringify(value))
    if (this.#open.length >= this.#maxDepth) throw tooDeep(this.#maxDepth, this.place)
    this.#within.add(value)
    this.#hasOpened = true
    this.#open.push(Array.isArray(value) ? new List(value) : new Members(value))
    this.#text += Array.isArray(value) ? '[' : '{'
    return true
  }

  /** @param {string | undefined} text */
  #writeWhole(text) {
    if (text === undefined) return undefined
    this.#text += text
    return false
  }

  /** @param {{ text: string, at: number }} string */
  #writeString(string) {
    let end = Math.min(string.at + ROOM, string.text.length)
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
class List {
  #at = 0

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
    const first = this.#at
    /** @type {unknown[]} */
    const run = []
    let room = ROOM
    let isLarge = false
    while (this.#at < this.length && room > 0 && !isLarge) {
      const element = this.value[this.#at]
      const left = writer.measure(element)
      isLarge = left < 0
      if (isLarge) break
      room -= ROOM - left + 1
      run.push(element)
      this.#at++
      if (writer.isLate(run.length)) break
    }
    if (run.length > 0) {
      if (first > 0) writer.put(',')
      writer.putWhole(JSON.stringify(run).slice(1, -1))
    }
    if (isLarge) this.#writeLarge(this.value[this.#at], writer)
    else if (this.#at === this.length) writer.close(']')
  }

  /** @param {unknown} element @param {JsonWriter} writer */
  #writeLarge(element, writer) {
    const at = this.#at++
    const before = at > 0 ? ',' : ''
    if (writer.writeLarge(element, String(at), before) === undefined) writer.put(`${before}null`)
  }
}

/** An object that is written member by member. */
class Members {
  #at = 0
  #isFirst = true
  /** @type {string[] | undefined} listed in a step of its own */
  #keys

  /** @param {Record<string, unknown>} value */
  constructor(value) {
    this.value = value
  }

  /** The key of the member that is being written, if any. */
  get key() {
    return this.#keys?.[this.#at - 1]
  }

  /** @param {JsonWriter} writer */
  write(writer) {
    this.#keys ??= Object.keys(this.value)
    const keys = this.#keys
    let room = ROOM
    for (let looks = 1; room > 0 && !writer.isLate(looks); looks++) {
      if (this.#at === keys.length) return writer.close('}')
      const key = keys[this.#at]
      const value = this.value[key]
      const left = writer.measure(value)
      this.#at++
      const before = `${this.#isFirst ? '' : ','}${JSON.stringify(key)}:`
      if (left < 0) {
        const isOpen = writer.writeLarge(value, key, before)
        if (isOpen !== undefined) this.#isFirst = false
        if (isOpen) return
        room -= WORD
      } else {
        const text = JSON.stringify(value)
        if (text !== undefined) {
          writer.put(before)
          writer.putWhole(text)
          this.#isFirst = false
        }
        room -= ROOM - left + key.length + AROUND
      }
    }
  }
}

/** The end of the current step: values not measured by then count as large. */
let deadline = 0
/** Lists and objects measured so far. */
let measured = 0

/**
 * How much of `ROOM` is left behind the text of a value, about. Less than none: it is larger, or only calling its toJSON
 * will tell.
 * @param {any} value
 * @param {number} depth levels that it may have
 * @param {WeakSet<object>} large
 */
function measure(value, depth, large) {
  if (typeof value === 'bigint') return TOO_LARGE
  if (typeof value === 'function') return hasToJSON(value) ? TOO_LARGE : ROOM - WORD
  if (typeof value !== 'object' || value === null) return ROOM - leafLength(value)
  if (large.has(value)) return TOO_LARGE
  if (hasToJSON(value)) return isUsualDate(value) ? ROOM - DATE : TOO_LARGE
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

/** What a value without parts takes, about. @param {unknown} leaf */
function leafLength(leaf) {
  if (typeof leaf === 'string') return leaf.length
  // It has more than one can see.
  if (typeof leaf === 'function' && hasToJSON(leaf)) return Infinity
  return typeof leaf === 'number' ? NUMBER : WORD
}

/** @param {any} value */
function isUsualDate(value) {
  return value.toJSON === dateToJSON && isDate(value)
}

/** @param {any} value */
function hasToJSON(value) {
  return typeof value.toJSON === 'function'
}

/** What is written in place of a value. @param {any} value @param {string} key */
function plainOf(value, key) {
  const mayHave =
    (typeof value === 'object' && value !== null) || typeof value === 'bigint' || typeof value === 'function'
  if (!mayHave || !hasToJSON(value)) return value
  // The toJSON of a detached Buffer returns an empty list.
  checkMemory(INSIDE, value)
  const plain = value.toJSON(key)
  checkMemory(INSIDE, plain)
  return plain
}

/** Whether a value has no parts. @param {any} value */
function isLeaf(value) {
  if (typeof value !== 'object' || value === null || isBoxedPrimitive(value)) return true
  return /** @type {any} */ (JSON).isRawJSON?.(value) === true
}

/** A value without parts whose toJSON, if it has one, was called. @param {unknown} value */
function leafText(value) {
  if (typeof value === 'function') return undefined
  if (typeof value === 'bigint') throw new TypeError('Do not know how to serialize a BigInt')
  return JSON.stringify(value)
}

/** Converts the length of a list, which may be anything for a proxy. @param {any} length */
function toLength(length) {
  const whole = Math.trunc(length)
  return whole > 0 ? Math.min(whole, Number.MAX_SAFE_INTEGER) : 0
}

/** @param {number} maxDepth @param {string} place */
function tooDeep(maxDepth, place) {
  const message = `The value is nested deeper than ${maxDepth} levels (options.maxDepth) at ${place}`
  return new OffloopError('ERR_OFFLOOP_INVALID_DATA', message, { transform: 'json.stringify' })
}

/** @param {string | undefined} key */
function circular(key) {
  const message = `Converting circular structure to JSON: property '${key}' closes the circle`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** @param {number} unit */
function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff
}

module.exports = { JsonWriter }
