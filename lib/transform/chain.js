'use strict'

const { unwatch, watch } = require('../internal/abort')
const { withCode } = require('../internal/errors')
const { NO_RESERVATION } = require('../native/reservation')
const { Waiter } = require('../task/waiter')

/**
 * @typedef {import('../task/contract').TaskPool} TaskPool
 * @typedef {import('../task/contract').Runnable} Runnable
 * @typedef {import('../native/reservation').Reservation} Reservation
 * @typedef {(part: any, resolve: (value: any) => void, reject: (reason: unknown) => void) => Runnable} Start
 */

/** A chain with steps in JavaScript: what lies between two of those is one native transform. */
class ChainTransform {
  #parts

  /** @param {unknown} value @returns {value is ChainTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #parts in value
  }

  /** @param {readonly any[]} parts */
  constructor(parts) {
    this.#parts = parts
    this.name = 'chain'
    Object.freeze(this)
  }

  static parts(/** @type {ChainTransform} */ transform) {
    return transform.#parts
  }
}

/** One input on its way through such a chain: a task for each part, one after the other. Only the first may find no room. */
class Relay {
  #pool
  #parts
  #start
  #resolve
  #reject
  #place = 0
  /** @type {Runnable | Waiter | undefined} what is under way */
  #current
  #isSettled = false
  /** @type {AbortSignal | undefined} */
  #signal

  /**
   * @param {TaskPool} pool
   * @param {readonly any[]} parts
   * @param {Start} start makes the task of a part
   * @param {(value: any, micros?: number) => void} resolve
   * @param {(reason: unknown) => void} reject
   */
  constructor(pool, parts, start, resolve, reject) {
    this.#pool = pool
    this.#parts = parts
    this.#start = start
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
    // The pool is not done between two parts. The first one may end at once.
    this.#pool.taskStarted()
    let isTaken = false
    try {
      const bound = this.#submit(input, reservation)
      isTaken = bound === null
      return bound
    } finally {
      if (!isTaken) this.#pool.taskEnded()
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
    if (!this.#isSettled) this.#current?.abort(reason)
  }

  /** @param {unknown} input @param {Reservation} reservation */
  #submit(input, reservation) {
    const part = this.#parts[this.#place]
    const task = this.#start(
      part,
      value => this.#next(value),
      reason => this.#fail(reason)
    )
    const bound = task.submit(part, input, reservation)
    if (bound === null) this.#current = task
    return bound
  }

  /** @param {unknown} value of the part that has ended */
  #next(value) {
    this.#place++
    if (this.#place === this.#parts.length) return this.#settle(this.#resolve, value)
    this.#admit(value, NO_RESERVATION)
  }

  /** @param {unknown} value @param {Reservation} reservation */
  #admit(value, reservation) {
    try {
      if (this.#submit(value, reservation) === null) return
    } catch (error) {
      return this.#fail(this.#explained(error))
    } finally {
      reservation.release()
    }
    const granted = (/** @type {Reservation} */ granted) => this.#admit(value, granted)
    const waiter = new Waiter(this.#pool, 1, granted, reason => this.#fail(reason))
    waiter.isContinuation = true
    this.#current = waiter
  }

  /** @param {unknown} error that a value was refused with */
  #explained(error) {
    if (!(error instanceof TypeError)) return error
    const [before, after] = [this.#parts[this.#place - 1].name, this.#parts[this.#place].name]
    const message = error.message.replace('The "input" argument', `What '${before}' gives to '${after}' in the chain`)
    return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
  }

  /** @param {unknown} reason */
  #fail(reason) {
    this.#settle(this.#reject, reason)
  }

  /** @param {(value: any) => void} how @param {unknown} value */
  #settle(how, value) {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#signal !== undefined) unwatch(this.#signal, this)
    how(value)
    this.#pool.taskEnded()
  }
}

module.exports = { ChainTransform, Relay }
