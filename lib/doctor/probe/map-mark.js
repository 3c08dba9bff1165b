'use strict'

const { Same } = require('../../internal/attachment')

/** @typedef {import('./race-lines').RaceLine} RaceLine */

/** Identity of a Map until it is cleared, which does not keep the Map alive. */
class Identity {
  /** Number of its keys that are followed. */
  followed = 0
}

/** Private fields of a Map of the program: no table keeps the Map alive, and the program cannot see them. */
class Mark extends Same {
  #identity = new Identity()
  /** Line of the last captured overwrite. @type {RaceLine | undefined} */
  #line

  /** @param {Map<unknown, unknown>} map */
  constructor(map) {
    super(map)
    this.#line = undefined
  }

  /** Returns the identity of an object, or `undefined` if it has no mark. @param {unknown} map */
  static identity(map) {
    return typeof map === 'object' && map !== null && #identity in map ? map.#identity : undefined
  }

  /** Returns whether keys of an object are followed. @param {unknown} map */
  static isFollowed(map) {
    return typeof map === 'object' && map !== null && #identity in map && map.#identity.followed > 0
  }

  /** The Map is cleared. @param {unknown} map */
  static renew(map) {
    if (Mark.isFollowed(map)) /** @type {any} */ (map).#identity = new Identity()
  }

  /**
   * @param {any} map with a mark
   * @returns {RaceLine | undefined}
   */
  static line(map) {
    return map.#line
  }

  /**
   * @param {any} map with a mark
   * @param {RaceLine} line
   */
  static setLine(map, line) {
    map.#line = line
  }
}

module.exports = { Mark }
