'use strict'

const native = require('../native')
const { closedError, taskError } = require('../internal/errors')
const { completionPort } = require('../native/completion-port')
const { NO_RESERVATION, Reservation } = require('../native/reservation')

const { Notification, Reservation: Untimed, TimedReservation } = native.WaitKind

/**
 * @typedef {import('./contract').TaskPool} TaskPool
 *
 * @typedef {object} WaitRequest
 * @property {TaskPool} pool
 * @property {number} bytes
 * @property {(reservation: Reservation) => void} onGranted takes over the reservation
 * @property {(reason: unknown) => void} onRejected
 * @property {{ transform: string, caller: { stack?: string } | undefined }} [timed] details of the timeout error, if `maxWait` counts
 * @property {boolean} [isContinuation] whether it continues admitted work, for which a closing pool waits
 * @property {boolean} [isNotification] whether it ends without a reservation, when the pool could grant one
 */

/** A queued request for a reservation. It is granted, rejected or aborted, and only once. */
class Waiter {
  #taskId
  #request
  #isSettled = false

  /** @param {WaitRequest} request */
  constructor(request) {
    const { pool, bytes, timed, isNotification } = request
    this.#request = request
    this.pool = pool
    this.#taskId = completionPort.register(this)
    pool.taskStarted()
    const kind = isNotification ? Notification : timed === undefined ? Untimed : TimedReservation
    try {
      native.waitForCapacity(pool.handle, this.#taskId, bytes, kind)
    } catch (error) {
      completionPort.release(this.#taskId)
      pool.taskEnded()
      throw error
    }
  }

  /** @param {number} handle of the reservation */
  onGranted(handle) {
    this.#grant(new Reservation(handle))
  }

  onNotified() {
    this.#grant(NO_RESERVATION)
  }

  /**
   * Rejects the call: its wait was too long.
   * @param {unknown} _value
   * @param {import('../internal/errors').SerializedFailure} [failure]
   */
  settle(_value, failure) {
    this.pool.taskEnded()
    if (this.#isSettled || failure === undefined) return
    this.#isSettled = true
    const { timed, onRejected } = this.#request
    onRejected(taskError({ ...failure, transform: timed?.transform ?? null }, timed?.caller))
  }

  /**
   * Ends a wait that the closing pool will not grant.
   * @param {boolean} force
   */
  onClose(force) {
    if (force || !this.#request.isContinuation) this.abort(closedError(this.pool.info.name))
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#isSettled) return
    this.#isSettled = true
    // If the wait cannot be cancelled, it has ended; a reservation is released when the port delivers it.
    if (native.cancelWait(this.#taskId)) {
      completionPort.release(this.#taskId)
      this.pool.taskEnded()
    }
    this.#request.onRejected(reason)
  }

  /** @param {Reservation} reservation */
  #grant(reservation) {
    try {
      if (this.#isSettled) return reservation.release()
      this.#isSettled = true
      this.#request.onGranted(reservation)
    } finally {
      this.pool.taskEnded()
    }
  }
}

module.exports = { Waiter }
