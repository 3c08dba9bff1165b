'use strict'

const native = require('../native')
const { unwatch, watch } = require('../internal/abort')
const { taskError } = require('../internal/errors')
const { checkInput, submitInput } = require('./input')
const { completionPort } = require('../native/completion-port')

/**
 * @typedef {import('../native/binding').Bound} Bound
 * @typedef {import('./contract').TaskPool} TaskPool
 * @typedef {import('../internal/errors').SerializedFailure} SerializedFailure
 */

/** One input on its way through a pool. Its promise settles once; its id is released when native code is done too. */
class Task {
  /** Its id at the completion port. */
  id = -1
  #isSettled = false
  #resolve
  #reject
  /** @type {{ stack?: string } | undefined} */
  #caller
  /** @type {AbortSignal | undefined} */
  #signal
  /** @type {import('./chunked-copy').ChunkedCopy | undefined} */
  #copy
  /**
   * Held until the input is copied: native code forgets a transform that nobody holds.
   * @type {import('../native/transform').Transform | undefined}
   */
  transform

  /**
   * @param {TaskPool} pool
   * @param {number} priority
   * @param {(value: any) => void} resolve
   * @param {(reason: unknown) => void} reject
   * @param {{ stack?: string } | undefined} caller
   */
  constructor(pool, priority, resolve, reject, caller) {
    this.pool = pool
    this.priority = priority
    this.#resolve = resolve
    this.#reject = reject
    this.#caller = caller
  }

  /**
   * Returns the bound that is reached if there is no room: then nothing has happened.
   * @param {import('../native/transform').Transform} transform
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   * @returns {Bound | null}
   */
  submit(transform, input, reservation) {
    return this.submitChecked(transform, checkInput(input), reservation)
  }

  /**
   * Like `submit`, for a checked input. From here on no user code runs.
   * @param {import('../native/transform').Transform} transform
   * @param {import('./input').CheckedInput} input
   * @param {import('../native/reservation').Reservation} reservation
   * @returns {Bound | null}
   */
  submitChecked(transform, input, reservation) {
    const taskId = completionPort.register(this)
    this.id = taskId
    let submitted
    try {
      submitted = submitInput(input, this, transform, reservation)
    } catch (error) {
      completionPort.release(taskId)
      throw error
    }
    if (typeof submitted === 'string') {
      completionPort.release(taskId)
      return submitted
    }
    if (submitted !== null) {
      this.#copy = submitted
      this.transform = transform
    }
    this.pool.taskStarted()
    return null
  }

  /** @param {AbortSignal} signal not aborted yet */
  watch(signal) {
    if (this.#isSettled) return
    this.#signal = signal
    watch(signal, this)
  }

  /** Nobody waits for it any more. */
  get isSettled() {
    return this.#isSettled
  }

  /**
   * The thread is done with it.
   * @param {unknown} value
   * @param {SerializedFailure | undefined} failure
   */
  settle(value, failure) {
    this.pool.taskEnded()
    if (this.#isSettled) return
    if (failure === undefined) this.#resolve(value)
    else this.#reject(taskError(failure, this.#caller))
    this.#markSettled()
  }

  /**
   * The caller does not want it any more: the promise rejects now, the work stops as soon as it can.
   * @param {unknown} reason
   */
  abort(reason) {
    if (this.#isSettled) return
    this.#markSettled()
    if (this.#copy?.cancel() || native.cancel(this.id)) this.#release()
    this.#reject(reason)
  }

  /**
   * Its input could not be copied to the end: there is nothing to stop.
   * @param {unknown} error
   */
  fail(error) {
    this.#release()
    if (this.#isSettled) return
    this.#reject(error)
    this.#markSettled()
  }

  #release() {
    completionPort.release(this.id)
    this.pool.taskEnded()
  }

  #markSettled() {
    this.#isSettled = true
    if (this.#signal !== undefined) unwatch(this.#signal, this)
  }
}

module.exports = { Task }
