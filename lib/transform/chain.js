'use strict'

const { withCode } = require('../internal/errors')
const { invalidType } = require('../internal/validate')
const native = require('../native')
const { NO_RESERVATION } = require('../native/reservation')
const { Transform } = require('../native/transform')
const { defineTransform, implementationOf } = require('../task/implementation')
const { Waiter } = require('../task/waiter')

/** @typedef {import('../native/reservation').Reservation} Reservation */

/** One input of a chain: a task for each step, one after the other. Only the first can be rejected by a full pool. */
class ChainTask {
  #context
  #steps
  #index = 0
  /** @type {import('../task/contract').Runnable | Waiter | undefined} the task or waiter of the current step */
  #running
  /** The task of the current step, if the pool was full. @type {import('../task/contract').Runnable | undefined} */
  #refused
  #isSettled = false

  /**
   * @param {import('../task/contract').TaskContext} context
   * @param {readonly any[]} steps
   */
  constructor(context, steps) {
    this.#context = context
    this.#steps = steps
  }

  /**
   * Returns the bound that is reached, in which case nothing has happened.
   * @param {unknown} input
   * @param {Reservation} reservation
   */
  submit(input, reservation) {
    // Keeps a closing pool open between two steps. The first step may end before it is submitted.
    this.#context.pool.taskStarted()
    let isSubmitted = false
    try {
      const bound = this.#submit(input, reservation)
      isSubmitted = bound === null
      return bound
    } finally {
      if (!isSubmitted) this.#context.pool.taskEnded()
    }
  }

  /** @param {unknown} input of the refused step */
  maxBytes(input) {
    return this.#refused?.maxBytes(input) ?? 0
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (!this.#isSettled) this.#running?.abort(reason)
  }

  /**
   * @param {unknown} input
   * @param {Reservation} reservation
   */
  #submit(input, reservation) {
    const task = this.#refused ?? this.#createTask()
    this.#refused = undefined
    const bound = task.submit(input, reservation)
    if (bound === null) this.#running = task
    else this.#refused = task
    return bound
  }

  #createTask() {
    return implementationOf(this.#steps[this.#index]).createTask({
      ...this.#context,
      isContinuation: this.#index > 0,
      resolve: value => this.#advance(value),
      reject: reason => this.#fail(reason)
    })
  }

  /** @param {unknown} value result of the current step */
  #advance(value) {
    this.#index++
    if (this.#index === this.#steps.length) return this.#settle(this.#context.resolve, value)
    this.#submitOrWait(value, NO_RESERVATION)
  }

  /**
   * @param {unknown} value
   * @param {Reservation} reservation
   */
  #submitOrWait(value, reservation) {
    try {
      if (this.#submit(value, reservation) === null) return
    } catch (error) {
      return this.#fail(this.#explain(error))
    } finally {
      reservation.release()
    }
    this.#running = new Waiter({
      pool: this.#context.pool,
      bytes: this.maxBytes(value),
      onGranted: granted => this.#submitOrWait(value, granted),
      onRejected: reason => this.#fail(reason),
      isContinuation: true
    })
  }

  /** @param {unknown} error thrown for the result of the step before */
  #explain(error) {
    if (!(error instanceof TypeError)) return error
    const [before, after] = [this.#steps[this.#index - 1].name, this.#steps[this.#index].name]
    const message = error.message.replace('The "input" argument', `The result of '${before}', input of '${after}',`)
    return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
  }

  /** @param {unknown} reason */
  #fail(reason) {
    this.#settle(this.#context.reject, reason)
  }

  /**
   * @param {(value: any) => void} callback
   * @param {unknown} value
   */
  #settle(callback, value) {
    if (this.#isSettled) return
    this.#isSettled = true
    callback(value)
    this.#context.pool.taskEnded()
  }
}

/** @param {any[]} steps */
function chain(...steps) {
  if (Array.isArray(steps[0])) {
    const hint = 'Pass the steps as arguments: chain(...steps)'
    throw invalidType('steps[0]', 'a transform made by offloop.transforms', steps[0], hint)
  }
  if (steps.length === 0) throw invalidType('steps[0]', 'a transform made by offloop.transforms', undefined)
  const parts = joinNative(steps.flatMap((step, index) => implementationOf(step, `steps[${index}]`).steps ?? [step]))
  if (parts.length === 1) return parts[0]
  const first = implementationOf(parts[0])
  return defineTransform('chain', {
    createTask: context => new ChainTask(context, parts),
    read: (input, index) => first.read(input, index),
    inputSize: (input, index) => first.inputSize(input, index),
    acceptsBytes: first.acceptsBytes,
    steps: parts
  })
}

/**
 * Joins neighbours that are native, and appends them to a transform that can be followed by native code directly.
 * @param {any[]} steps
 */
function joinNative(steps) {
  /** @type {any[]} */
  const parts = []
  /** @type {Transform[]} */
  let natives = []
  const join = () => {
    if (natives.length === 0) return
    const [only] = natives
    const isAlone = natives.length === 1 && steps.length > 1
    const joined = isAlone
      ? only
      : new Transform(native.chainTransforms(natives.map(transform => Transform.handle(transform))), only)
    natives = []
    const append = parts.length === 0 ? undefined : implementationOf(parts[parts.length - 1]).append
    if (append !== undefined) parts[parts.length - 1] = append(joined)
    else parts.push(joined)
  }
  for (const step of steps) {
    if (implementationOf(step).canBatch) natives.push(step)
    else {
      join()
      parts.push(step)
    }
  }
  join()
  return parts
}

module.exports = { chain }
