'use strict'

const { AsyncResource } = require('node:async_hooks')
const { Waiter } = require('./waiter')

/** A task that waits for a reservation while its pool is full. */
class WaitingTask {
  #context
  #task
  #input
  #timed
  /** @type {Waiter | undefined} */
  #waiter
  /** User code in the input runs in the async context of the call. @type {AsyncResource | undefined} */
  #scope
  #isSubmitting = false
  /** Set if user code in the input aborted the task while it was submitted. @type {{ reason: unknown } | undefined} */
  #aborted

  /**
   * @param {import('./contract').TaskContext} context
   * @param {import('./contract').Runnable} task
   * @param {unknown} input
   * @param {string} [timed] name of the transform if `maxWait` counts from the call
   */
  constructor(context, task, input, timed) {
    this.#context = context
    this.#task = task
    this.#input = input
    this.#timed = timed
  }

  /**
   * Submits the task, or waits until it can be submitted. An error rejects immediately.
   * @param {import('../native/reservation').Reservation} reservation
   */
  submit(reservation) {
    this.#waiter = undefined
    this.#isSubmitting = true
    try {
      if (!this.#context.isContinuation) this.#context.pool.checkOpen()
      if (this.#task.submit(this.#input, reservation) === null) this.#input = undefined
      else this.#wait()
    } catch (error) {
      return this.#context.reject(error)
    } finally {
      reservation.release()
      this.#isSubmitting = false
    }
    if (this.#aborted !== undefined) this.abort(this.#aborted.reason)
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#isSubmitting) this.#aborted = { reason }
    else if (this.#waiter !== undefined) this.#waiter.abort(reason)
    else this.#task.abort(reason)
  }

  #wait() {
    const { pool, reject, caller, isContinuation = false } = this.#context
    const timed = this.#timed
    this.#scope ??= new AsyncResource('OffloopTask')
    this.#waiter = new Waiter({
      pool,
      bytes: this.#task.maxBytes(this.#input),
      onGranted: reservation => this.#scope?.runInAsyncScope(this.submit, this, reservation),
      onRejected: reject,
      isContinuation,
      ...(timed !== undefined && { timed: { transform: timed, caller } })
    })
  }
}

module.exports = { WaitingTask }
