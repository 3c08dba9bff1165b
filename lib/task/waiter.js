'use strict'

const native = require('../native')
const { port } = require('../native/completion-port')
const { Reservation } = require('../native/reservation')

/**
 * @typedef {import('./contract').TaskPool} TaskPool
 */

/** In line for room in a pool. It is granted or aborted, never both. */
class Waiter {
  #id
  #granted
  #rejected
  #over = false
  /** Whether it is for the rest of a task that was admitted: the pool that is closed waits for it. */
  isForRest = false

  /**
   * @param {TaskPool} pool
   * @param {number} bytes
   * @param {(reservation: Reservation) => void} granted takes over the reservation
   * @param {(reason: unknown) => void} rejected
   */
  constructor(pool, bytes, granted, rejected) {
    this.pool = pool
    this.#granted = granted
    this.#rejected = rejected
    this.#id = port.draw(this)
    pool.entered()
    try {
      native.waitForRoom(pool.number, this.#id, bytes)
    } catch (error) {
      port.release(this.#id)
      pool.left()
      throw error
    }
  }

  /** @param {number} handle of the reservation */
  granted(handle) {
    const reservation = new Reservation(handle)
    try {
      if (this.#over) return reservation.release()
      this.#over = true
      this.#granted(reservation)
    } finally {
      this.pool.left()
    }
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#over) return
    this.#over = true
    // Otherwise a reservation was granted already, and is released when the port delivers it.
    if (native.leaveLine(this.#id)) {
      port.release(this.#id)
      this.pool.left()
    }
    this.#rejected(reason)
  }
}

module.exports = { Waiter }
