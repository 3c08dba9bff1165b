'use strict'

const native = require('../native')
const { taskError } = require('../internal/errors')
const { keepHiddenClass } = require('../internal/hidden-class')
const { checkInput, readInput, refusedBytes, submitInput } = require('./input')
const { completionPort } = require('../native/completion-port')

/**
 * @typedef {import('../native/transform').Transform} Transform
 * @typedef {import('../native/reservation').Reservation} Reservation
 */

/** One input of a native transform. Its promise settles once; its id is released when native code is done too. */
class Task {
  /** Id at the completion port. */
  id = -1
  #resolve
  #reject
  #onRoom
  #isContinuation
  /** Held until the input is copied: native code drops a transform that JavaScript no longer references. */
  #transform
  #isSettled = false
  /** @type {import('./chunked-copy').ChunkedCopy | undefined} */
  #copy

  /**
   * Copies the properties of the context, so that each queued task keeps one object fewer alive.
   * @param {import('./contract').TaskContext} context
   * @param {Transform} transform
   */
  constructor(context, transform) {
    this.pool = context.pool
    this.priority = context.priority
    this.caller = context.caller
    this.#resolve = context.resolve
    this.#reject = context.reject
    this.#onRoom = context.onRoom
    this.#isContinuation = context.isContinuation
    this.#transform = transform
  }

  get transformName() {
    return this.#transform.name
  }

  /** Whether the promise has settled. */
  get isSettled() {
    return this.#isSettled
  }

  /** Throws if the pool accepts no more tasks, unless this one continues admitted work. */
  checkOpen() {
    if (!this.#isContinuation) this.pool.checkOpen()
  }

  /**
   * Returns the bound that is reached, in which case nothing has happened.
   * @param {unknown} input
   * @param {Reservation} reservation
   */
  submit(input, reservation) {
    const read = readInput(input, this.#transform)
    // A getter of the input may have closed the pool.
    if (read !== input) this.checkOpen()
    return this.submitChecked(checkInput(read), reservation)
  }

  /**
   * Like `submit`, for a checked input. From here on no user code runs.
   * @param {import('./input').CheckedInput} input
   * @param {Reservation} reservation
   */
  submitChecked(input, reservation) {
    const taskId = completionPort.register(this)
    this.id = taskId
    let submitted
    try {
      submitted = submitInput(input, this, this.#transform, reservation)
    } catch (error) {
      completionPort.release(taskId)
      throw error
    }
    if (typeof submitted === 'string') {
      completionPort.release(taskId)
      return submitted
    }
    if (submitted !== null) this.#copy = submitted
    this.pool.taskStarted()
    return null
  }

  /**
   * Makes the submitted task bare, unless its input is copied in pieces. A bare task no longer uses this object.
   * @param {(value: any) => void} resolve
   */
  makeBare(resolve) {
    if (this.#copy === undefined) completionPort.makeBare(this.id, this.pool.bareTasks, resolve)
  }

  /** @param {unknown} input */
  maxBytes(input) {
    return refusedBytes(input)
  }

  /**
   * Receives the outcome from the completion port.
   * @param {unknown} value
   * @param {import('../internal/errors').SerializedFailure | undefined} failure
   */
  settle(value, failure) {
    this.pool.taskEnded()
    if (this.#isSettled) return
    this.#isSettled = true
    if (failure === undefined) this.#resolve(value)
    else this.#reject(this.errorOf(failure))
  }

  onRoom() {
    this.#onRoom?.()
  }

  /** @param {import('../internal/errors').SerializedFailure} failure */
  errorOf(failure) {
    return taskError(failure, this.caller)
  }

  /**
   * Rejects the promise now; the work stops as soon as possible.
   * @param {unknown} reason
   */
  abort(reason) {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#copy?.cancel() || native.cancel(this.id)) this.#release()
    this.#reject(reason)
  }

  /**
   * Rejects the promise of a task that never reached a thread because its input could not be copied.
   * @param {unknown} error
   */
  fail(error) {
    this.#release()
    if (this.#isSettled) return
    this.#isSettled = true
    this.#reject(error)
  }

  #release() {
    completionPort.release(this.id)
    this.pool.taskEnded()
  }
}

const NOTHING = /** @type {any} */ ({})
keepHiddenClass(new Task(NOTHING, NOTHING))

module.exports = { Task }
