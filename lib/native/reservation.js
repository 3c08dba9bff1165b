'use strict'

const native = require('.')

/** Stands for no reservation in native calls. */
const NONE = -1

/**
 * Capacity that a pool granted to one task. Its holder submits the task and then releases it in a `finally`; releasing has no
 * effect once native code has taken it.
 */
class Reservation {
  #handle

  /** @param {number} handle in native code */
  constructor(handle) {
    this.#handle = handle
  }

  /** Hands it to a native call, which then owns it, even if the call fails. Returns the handle to pass. */
  take() {
    const handle = this.#handle
    this.#handle = NONE
    return handle
  }

  /** Returns it to the pool unless it was taken. */
  release() {
    if (this.#handle >= 0) native.releaseReservation(this.take())
  }
}

/** For tasks without a reservation: native code then reserves capacity when it admits them. */
const NO_RESERVATION = new Reservation(NONE)

/** Returns a stand-in for a reservation, with which native code admits a task only if no caller waits for the capacity. */
function freeInTurn() {
  return new Reservation(native.IN_TURN)
}

module.exports = { NO_RESERVATION, Reservation, freeInTurn }
