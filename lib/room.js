'use strict'

const native = require('./native')

/** Tells native code that a task brings no room. */
const NONE = -1

/**
 * Room that a pool granted to one task. Its holder submits the task and then releases the room in a `finally`; releasing has no
 * effect once native code has taken it.
 */
class Room {
  #number

  /** @param {number} number by which native code knows it */
  constructor(number) {
    this.#number = number
  }

  /** Hands it to a native call, which owns it whatever comes of the call. Returns the number to pass. */
  take() {
    const number = this.#number
    this.#number = NONE
    return number
  }

  /** Gives it back to the pool unless it was taken. */
  release() {
    if (this.#number !== NONE) native.dropRoom(this.take())
  }
}

/** For tasks that bring none: native code looks for room then. */
const NO_ROOM = new Room(NONE)

module.exports = { NO_ROOM, Room }
