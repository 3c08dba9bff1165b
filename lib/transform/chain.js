'use strict'

const { unwatch, watch } = require('../internal/abort')
const { withCode } = require('../internal/errors')
const { NO_RESERVATION } = require('../native/reservation')
const { Waiter } = require('../task/waiter')

/**
 * @typedef {import('../task/contract').TaskPool} TaskPool
 * @typedef {import('../task/contract').Runnable} Runnable
 * @typedef {import('../native/reservation').Reservation} Reservation
 * @typedef {(step: any, resolve: (value: any) => void, reject: (reason: unknown) => void) => Runnable} StartTask
 */

/** A chain with steps in JavaScript: what lies between two of those is one native transform. */
class ChainTransform {
  #steps

  /** @param {unknown} value @returns {value is ChainTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #steps in value
  }

  /** @param {readonly any[]} steps */
  constructor(steps) {
    this.#steps = steps
    this.name = 'chain'
    Object.freeze(this)
  }

  static steps(/** @type {ChainTransform} */ transform) {
    return transform.#steps
  }
}

/** One input of such a chain: a task for each step, one after the other. Only the first may be rejected for lack of room. */
class ChainTask {
  #pool
  #steps
  #startTask
  #resolve
  #reject
  #step = 0
  /** @type {Runnable | Waiter | undefined} the task or waiter of the current step */
  #running
  #isSettled = false
  /** @type {AbortSignal | undefined} */
  #signal

  /**
   * @param {TaskPool} pool
   * @param {readonly any[]} steps
   * @param {StartTask} startTask creates the task of a step
   * @param {(value: any, micros?: number) => void} resolve
   * @param {(reason: unknown) => void} reject
   */
  constructor(pool, steps, startTask, resolve, reject) {
    this.#pool = pool
    this.#steps = steps
    this.#startTask = startTask
    this.#resolve = resolve
    this.#reject = reject
  }

  /**
   * Returns the bound that is reached if there is no room: then nothing has happened.
   * @param {unknown} _transform
   * @param {unknown} input
   * @param {Reservation} reservation
   * @returns {import('../native/binding').Bound | null}
   */
  submit(_transform, input, reservation) {
    // The pool is not done between two steps. The first one may end at once.
    this.#pool.taskStarted()
    let isSubmitted = false
    try {
      const bound = this.#submit(input, reservation)
      isSubmitted = bound === null
      return bound
    } finally {
      if (!isSubmitted) this.#pool.taskEnded()
    }
  }

  /** @param {AbortSignal} signal not aborted yet */
  watch(signal) {
    if (this.#isSettled) return
    this.#signal = signal
    watch(signal, this)
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (!this.#isSettled) this.#running?.abort(reason)
  }

  /** @param {unknown} input @param {Reservation} reservation */
  #submit(input, reservation) {
    const step = this.#steps[this.#step]
    const task = this.#startTask(
      step,
      value => this.#advance(value),
      reason => this.#fail(reason)
    )
    const bound = task.submit(step, input, reservation)
    if (bound === null) this.#running = task
    return bound
  }

  /** @param {unknown} value of the step that has ended */
  #advance(value) {
    this.#step++
    if (this.#step === this.#steps.length) return this.#settle(this.#resolve, value)
    this.#submitOrWait(value, NO_RESERVATION)
  }

  /** @param {unknown} value @param {Reservation} reservation */
  #submitOrWait(value, reservation) {
    try {
      if (this.#submit(value, reservation) === null) return
    } catch (error) {
      return this.#fail(this.#explain(error))
    } finally {
      reservation.release()
    }
    const granted = (/** @type {Reservation} */ granted) => this.#submitOrWait(value, granted)
    const waiter = new Waiter(this.#pool, 1, granted, reason => this.#fail(reason))
    waiter.isContinuation = true
    this.#running = waiter
  }

  /** @param {unknown} error that a value was refused with */
  #explain(error) {
    if (!(error instanceof TypeError)) return error
    const [before, after] = [this.#steps[this.#step - 1].name, this.#steps[this.#step].name]
    const message = error.message.replace('The "input" argument', `What '${before}' gives to '${after}' in the chain`)
    return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
  }

  /** @param {unknown} reason */
  #fail(reason) {
    this.#settle(this.#reject, reason)
  }

  /** @param {(value: any) => void} callback @param {unknown} value */
  #settle(callback, value) {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#signal !== undefined) unwatch(this.#signal, this)
    callback(value)
    this.#pool.taskEnded()
  }
}

module.exports = { ChainTransform, ChainTask }
