'use strict'

const { NO_RESERVATION } = require('../native/reservation')
const { Task } = require('./task')
const { Waiter } = require('./waiter')

const NO_INPUT = new Uint8Array(0)

/** A task without an input. It waits for a reservation if the pool is full. */
class StepTask {
  #context
  #task
  #isContinuation
  /** @type {Waiter | undefined} */
  #waiter

  /**
   * @param {import('./contract').TaskContext} context
   * @param {import('../native/transform').Transform} transform
   * @param {boolean} isContinuation whether it continues admitted work, and is accepted while the pool is closing
   */
  constructor(context, transform, isContinuation) {
    this.#context = context
    this.#task = new Task(context, transform)
    this.#isContinuation = isContinuation
  }

  /** Submits the task, or waits for a reservation. An error rejects immediately. */
  submit() {
    this.#submit(NO_RESERVATION)
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#waiter !== undefined) this.#waiter.abort(reason)
    else this.#task.abort(reason)
  }

  /** @param {import('../native/reservation').Reservation} reservation */
  #submit(reservation) {
    this.#waiter = undefined
    const { pool, reject } = this.#context
    try {
      if (!this.#isContinuation) pool.checkOpen()
      if (this.#task.submit(NO_INPUT, reservation) === null) return
    } catch (error) {
      return reject(error)
    } finally {
      reservation.release()
    }
    this.#waiter = new Waiter(pool, 1, granted => this.#submit(granted), reject, this.#isContinuation)
  }
}

module.exports = { StepTask }
