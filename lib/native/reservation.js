'use strict'

const native = require('.')

/** The number that stands for no room in native calls. */
const NONE = -1

/**
 * Room that a pool granted to one task. Its holder submits the task and then releases the room in a `finally`; releasing has no
 * effect once native code has taken it.
 */
class Room {
  #number

  /** @param {number} number of the room in native code */
  constructor(number) {
    this.#number = number
  }

  /** Hands it to a native call, which then owns it, even if the call fails. Returns the number to pass. */
  take() {
    const number = this.#number
    this.#number = NONE
    return number
  }

  /** Returns it to the pool unless it was taken. */
  release() {
    if (this.#number !== NONE) native.dropRoom(this.take())
  }
}

/** For tasks without room of their own: native code then looks for room. */
const NO_ROOM = new Room(NONE)

module.exports = { NO_ROOM, Room }
