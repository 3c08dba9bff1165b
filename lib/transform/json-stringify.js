'use strict'

const { defineTransform } = require('../task/implementation')
const { MAX_UTF8, checkAttached, unwrap, valueBytes } = require('../task/input')
const native = require('../native')
const { keepHiddenClass } = require('../internal/hidden-class')
const { Task } = require('../task/task')
const { Transform } = require('../native/transform')
const { lazy } = require('../internal/lazy')
const { checkInteger, checkOptions } = require('../internal/validate')

/** Default limit (ms) of a slice. */
const DEFAULT_SLICE = 4
const MAX_SLICE = 10_000
/** Above the limit of `JSON.stringify`, whose recursion exhausts the stack at about 4,500 levels. */
const DEFAULT_MAX_DEPTH = 5000
const DEPTH_LIMIT = 2 ** 32 - 1
/** Default limit (bytes) in a pool whose `maxQueueBytes` is smaller. */
const DEFAULT_MAX_OUTPUT = 16 << 20
/** Bytes that nested results of getters, proxies and toJSON may occupy. An explicit `maxOutput` may allow more. */
const MAX_HELD = 8 << 20

/** @typedef {{ slice: number, maxDepth: number, maxOutput: number | undefined }} Limits */

/** One value, written as JSON on the event loop in slices. A native transform collects the bytes and processes them further. */
class StringifyTask extends Task {
  #limits
  /** Kept after a refusal: code of the value must not run again. @type {import('../json/input').JsonInput | undefined} */
  #refused

  /**
   * @param {import('../task/contract').TaskContext} context
   * @param {Transform} nativeStep that receives the bytes
   * @param {Limits} limits
   */
  constructor(context, nativeStep, limits) {
    super(context, nativeStep)
    this.#limits = limits
  }

  /**
   * @override
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   */
  submit(input, reservation) {
    const jsonInput = this.#refused ?? this.#jsonInput(input)
    this.#refused = undefined
    // Code of the value, such as a getter, may have closed the pool.
    this.checkOpen()
    const bound = this.submitChecked(jsonInput, reservation)
    if (bound !== null) this.#refused = jsonInput
    return bound
  }

  /**
   * The size of a large value is not known before it is written.
   * @override
   */
  maxBytes() {
    return (this.#refused?.text?.length ?? 0) * MAX_UTF8
  }

  /** @param {unknown} input */
  #jsonInput(input) {
    checkAttached(input)
    const { slice, maxDepth, maxOutput } = this.#limits
    const { maxQueueBytes, maxOutput: poolLimit = Infinity } = this.pool.info
    const maxBytes = Math.min(maxOutput ?? Math.max(maxQueueBytes, DEFAULT_MAX_OUTPUT), poolLimit)
    const { JsonInput } = inputs()
    return new JsonInput(unwrap(input), slice, maxDepth, maxBytes, Math.max(maxOutput ?? 0, MAX_HELD))
  }

  /**
   * Returns an error without a status: the value is the server's, also for the transforms that follow.
   * @override
   * @param {import('../internal/errors').SerializedFailure} failure
   */
  errorOf(failure) {
    const error = super.errorOf(failure)
    if ('statusCode' in error) delete error.statusCode
    return error
  }
}

/** The native transform that collects the bytes. @type {Transform | undefined} */
let collectBytes
/** Loaded with the first transform, since it is large. */
const inputs = lazy(() => require('../json/input'))

/** @param {{ sliceMs?: number, maxDepth?: number, maxOutput?: number | undefined }} [options] */
function stringify(options = {}) {
  checkOptions(options, ['sliceMs', 'maxDepth', 'maxOutput'])
  const { sliceMs = DEFAULT_SLICE, maxDepth = DEFAULT_MAX_DEPTH, maxOutput } = options
  checkInteger('options.sliceMs', sliceMs, 1, MAX_SLICE)
  checkInteger('options.maxDepth', maxDepth, 1, DEPTH_LIMIT)
  if (maxOutput !== undefined) checkInteger('options.maxOutput', maxOutput, 1, Number.MAX_SAFE_INTEGER)
  inputs()
  collectBytes ??= new Transform(native.createTransform('json.stringify', []))
  return define({ slice: sliceMs, maxDepth, maxOutput }, collectBytes)
}

/**
 * @param {Limits} limits
 * @param {Transform} nativeStep
 * @returns {object}
 */
function define(limits, nativeStep) {
  return defineTransform('json.stringify', {
    createTask: context => new StringifyTask(context, nativeStep, limits),
    inputSize: valueBytes,
    acceptsBytes: false,
    append: next =>
      define(
        limits,
        new Transform(native.chainTransforms([nativeStep, next].map(transform => Transform.handle(transform))))
      )
  })
}

const NOTHING = /** @type {any} */ ({})
keepHiddenClass(new StringifyTask(NOTHING, NOTHING, NOTHING))

module.exports = { stringify }
