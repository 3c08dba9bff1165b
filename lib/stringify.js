'use strict'

const { Moved, checkAttached } = require('./input')
const native = require('./native')
const { Task } = require('./task')
const { Transform } = require('./transform')
const { checkInteger, checkOptions } = require('./validate')
const { Writing } = require('./writing')

/** How long (ms) a slice holds the loop at most, unless the options say otherwise. */
const SLICE = 4
const MAX_SLICE = 10_000

/** Values become JSON on the loop, in slices; the bytes are put together off it, and go on to what follows. */
class StringifyTransform {
  #slice
  #next

  /** @param {unknown} value @returns {value is StringifyTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #next in value
  }

  /**
   * @param {number} slice
   * @param {Transform} next native: what becomes of the bytes
   */
  constructor(slice, next) {
    this.#slice = slice
    this.#next = next
    this.name = 'json.stringify'
    Object.freeze(this)
  }

  /** The same with more to do behind it. @param {StringifyTransform} transform @param {Transform} next */
  static followedBy(transform, next) {
    const steps = [transform.#next, next].map(Transform.number)
    return new StringifyTransform(transform.#slice, new Transform(native.chainTransforms(steps)))
  }

  /** What becomes of the bytes. @param {StringifyTransform} transform */
  static next(transform) {
    return transform.#next
  }

  /** @param {StringifyTransform} transform */
  static slice(transform) {
    return transform.#slice
  }
}

/** A value on its way. */
class StringifyTask extends Task {
  /**
   * As of any task.
   * @param {any} transform
   * @param {unknown} input
   * @param {import('./room').Room} room
   */
  submit(transform, input, room) {
    checkAttached(input)
    // It is only read: whoever gave it away keeps it.
    const value = Moved.is(input) ? input.value : input
    const writing = new Writing(value, StringifyTransform.slice(transform))
    return this.submitSource(StringifyTransform.next(transform), writing, room)
  }
}

/** What brings the bytes together. @type {Transform | undefined} */
let written

/** `json.stringify({ slice })` @param {{ slice?: number }} [options] */
function stringify(options = {}) {
  checkOptions(options, ['slice'])
  const { slice = SLICE } = options
  checkInteger('"options.slice"', slice, 1, MAX_SLICE)
  written ??= new Transform(native.makeTransform('json.stringify', []))
  return new StringifyTransform(slice, written)
}

module.exports = { StringifyTask, StringifyTransform, stringify }
