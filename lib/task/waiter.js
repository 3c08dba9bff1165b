'use strict'

const native = require('../native')
const { port } = require('../native/completion-port')
const { Room } = require('../native/reservation')

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
   * @param {(room: Room) => void} granted takes over the room
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

  /** @param {number} number of the room */
  granted(number) {
    const room = new Room(number)
    try {
      if (this.#over) return room.release()
      this.#over = true
      this.#granted(room)
    } finally {
      this.pool.left()
    }
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#over) return
    this.#over = true
    // Otherwise room was granted already, and is given back when the port says so.
    if (native.leaveLine(this.#id)) {
      port.release(this.#id)
      this.pool.left()
    }
    this.#rejected(reason)
  }
}

module.exports = { Waiter }
