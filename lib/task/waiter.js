'use strict'

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { Reservation } = require('../native/reservation')

/**
 * @typedef {import('./contract').TaskPool} TaskPool
 */

/** In line for room in a pool. It is granted or aborted, never both. */
class Waiter {
  #taskId
  #onGranted
  #onRejected
  #isSettled = false
  /** Whether it is for the rest of a task that was admitted: the pool that is closed waits for it. */
  isContinuation = false

  /**
   * @param {TaskPool} pool
   * @param {number} bytes
   * @param {(reservation: Reservation) => void} onGranted takes over the reservation
   * @param {(reason: unknown) => void} onRejected
   */
  constructor(pool, bytes, onGranted, onRejected) {
    this.pool = pool
    this.#onGranted = onGranted
    this.#onRejected = onRejected
    this.#taskId = completionPort.register(this)
    pool.taskStarted()
    try {
      native.waitForReservation(pool.handle, this.#taskId, bytes)
    } catch (error) {
      completionPort.release(this.#taskId)
      pool.taskEnded()
      throw error
    }
  }

  /** @param {number} handle of the reservation */
  onGranted(handle) {
    const reservation = new Reservation(handle)
    try {
      if (this.#isSettled) return reservation.release()
      this.#isSettled = true
      this.#onGranted(reservation)
    } finally {
      this.pool.taskEnded()
    }
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#isSettled) return
    this.#isSettled = true
    // Otherwise a reservation was granted already, and is released when the port delivers it.
    if (native.cancelWait(this.#taskId)) {
      completionPort.release(this.#taskId)
      this.pool.taskEnded()
    }
    this.#onRejected(reason)
  }
}

module.exports = { Waiter }
