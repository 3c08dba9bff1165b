'use strict'

const native = require('../native')
const { closedError } = require('../internal/errors')
const { completionPort } = require('../native/completion-port')
const { Reservation } = require('../native/reservation')

/** A queued request for a reservation. It is granted or aborted, never both. */
class Waiter {
  #taskId
  #onGranted
  #onRejected
  #isContinuation
  #isSettled = false

  /**
   * @param {import('./contract').TaskPool} pool
   * @param {number} bytes
   * @param {(reservation: Reservation) => void} onGranted takes over the reservation
   * @param {(reason: unknown) => void} onRejected
   * @param {boolean} [isContinuation] whether it continues admitted work, for which a closing pool waits
   */
  constructor(pool, bytes, onGranted, onRejected, isContinuation = false) {
    this.pool = pool
    this.#onGranted = onGranted
    this.#onRejected = onRejected
    this.#isContinuation = isContinuation
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

  /**
   * The pool is closing.
   * @param {boolean} force
   */
  onClose(force) {
    if (force || !this.#isContinuation) this.abort(closedError(this.pool.info.name))
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#isSettled) return
    this.#isSettled = true
    // If the wait cannot be cancelled, a reservation was granted; it is released when the port delivers it.
    if (native.cancelWait(this.#taskId)) {
      completionPort.release(this.#taskId)
      this.pool.taskEnded()
    }
    this.#onRejected(reason)
  }
}

module.exports = { Waiter }
