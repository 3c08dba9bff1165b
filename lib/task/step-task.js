'use strict'

const { NO_RESERVATION } = require('../native/reservation')
const { Task } = require('./task')
const { Waiter } = require('./waiter')

const NO_INPUT = new Uint8Array(0)

/** A task that brings no input along, on its way into a pool. Where there is no room for it it waits in line. */
class StepTask {
  #transform
  #reject
  #task
  /** @type {Waiter | undefined} */
  #waiter
  /** Whether it is for the rest of what was admitted: a pool that is being closed takes it. */
  isContinuation = false

  /**
   * @param {import('./contract').TaskPool} pool
   * @param {number} priority
   * @param {import('../native/transform').Transform} transform
   * @param {{ stack?: string } | undefined} caller
   * @param {(value: any) => void} resolve
   * @param {(reason: unknown) => void} reject
   */
  constructor(pool, priority, transform, caller, resolve, reject) {
    this.#transform = transform
    this.#reject = reject
    this.#task = new Task(pool, priority, resolve, reject, caller)
  }

  /** Asks for admission. What keeps it from that is told at once. */
  submit() {
    this.#submit(NO_RESERVATION)
  }

  /** It is not wanted any more. @param {unknown} reason */
  abort(reason) {
    if (this.#waiter !== undefined) this.#waiter.abort(reason)
    else this.#task.abort(reason)
  }

  /** @param {import('../native/reservation').Reservation} reservation */
  #submit(reservation) {
    this.#waiter = undefined
    const { pool } = this.#task
    try {
      if (!this.isContinuation) pool.checkOpen()
      if (this.#task.submit(this.#transform, NO_INPUT, reservation) === null) return
    } catch (error) {
      return this.#reject(error)
    } finally {
      reservation.release()
    }
    this.#waiter = new Waiter(pool, 1, granted => this.#submit(granted), this.#reject)
    this.#waiter.isContinuation = this.isContinuation
  }
}

module.exports = { StepTask }
