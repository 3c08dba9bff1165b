'use strict'

const { Moved, checkAttached } = require('../task/input')
const native = require('../native')
const { Task } = require('../task/task')
const { Transform } = require('../native/transform')
const { checkInteger, checkOptions } = require('../internal/validate')

/** How long (ms) a slice holds the loop at most, unless the options say otherwise. */
const DEFAULT_SLICE = 4
const MAX_SLICE = 10_000
/** More than `JSON.stringify`, which is recursive: it runs out of stack at about 4,500 levels. */
const DEFAULT_MAX_DEPTH = 5000
const DEPTH_LIMIT = 2 ** 32 - 1
/** The default limit (bytes) in a pool whose `maxQueueBytes` is smaller. */
const DEFAULT_MAX_OUTPUT = 16 << 20
/** Bytes that may be held of what getters, proxies and toJSON make, level in level. An explicit `maxOutput` may allow more. */
const MAX_HELD = 8 << 20

/**
 * The limits of one transform.
 * @typedef {{ slice: number, maxDepth: number, maxOutput: number | undefined }} Limits
 */

/** Values become JSON on the loop, in slices; the bytes are put together off it, and go on to what follows. */
class StringifyTransform {
  #limits
  #nativeStep

  /** @param {unknown} value @returns {value is StringifyTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #nativeStep in value
  }

  /**
   * @param {Limits} limits
   * @param {Transform} nativeStep native: what becomes of the bytes
   */
  constructor(limits, nativeStep) {
    this.#limits = limits
    this.#nativeStep = nativeStep
    this.name = 'json.stringify'
    Object.freeze(this)
  }

  /** The same with more to do behind it. @param {StringifyTransform} transform @param {Transform} next */
  static append(transform, next) {
    const steps = [transform.#nativeStep, next].map(Transform.handle)
    return new StringifyTransform(transform.#limits, new Transform(native.chainTransforms(steps)))
  }

  /** What becomes of the bytes. @param {StringifyTransform} transform */
  static nativeStep(transform) {
    return transform.#nativeStep
  }

  /** @param {StringifyTransform} transform */
  static limits(transform) {
    return transform.#limits
  }
}

/** A value on its way. */
class StringifyTask extends Task {
  /**
   * As of any task.
   * @param {any} transform
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   */
  submit(transform, input, reservation) {
    checkAttached(input)
    // A moved value is only read, and stays with its owner.
    const value = Moved.is(input) ? input.value : input
    const { slice, maxDepth, maxOutput } = StringifyTransform.limits(transform)
    const maxBytes = maxOutput ?? Math.max(this.pool.info.maxQueueBytes, DEFAULT_MAX_OUTPUT)
    const jsonInput = new JsonInput(value, slice, maxDepth, maxBytes, Math.max(maxOutput ?? 0, MAX_HELD))
    return this.submitChecked(StringifyTransform.nativeStep(transform), jsonInput, reservation)
  }
}

/** What brings the bytes together. @type {Transform | undefined} */
let collectBytes
/** Loaded with the first transform: it is a large part of the package. @type {typeof import('../json/input').JsonInput} */
let JsonInput

/** `json.stringify({ slice, maxDepth, maxOutput })` @param {Partial<Limits>} [options] */
function stringify(options = {}) {
  checkOptions(options, ['slice', 'maxDepth', 'maxOutput'])
  const { slice = DEFAULT_SLICE, maxDepth = DEFAULT_MAX_DEPTH, maxOutput } = options
  checkInteger('"options.slice"', slice, 1, MAX_SLICE)
  checkInteger('"options.maxDepth"', maxDepth, 1, DEPTH_LIMIT)
  if (maxOutput !== undefined) checkInteger('"options.maxOutput"', maxOutput, 1, Number.MAX_SAFE_INTEGER)
  JsonInput ??= require('../json/input').JsonInput
  collectBytes ??= new Transform(native.createTransform('json.stringify', []))
  return new StringifyTransform({ slice, maxDepth, maxOutput }, collectBytes)
}

module.exports = { StringifyTask, StringifyTransform, stringify }
