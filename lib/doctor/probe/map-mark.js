'use strict'

const { Same } = require('./attachment')

/** @typedef {import('./race-lines').RaceLine} RaceLine */

/** Private fields of a Map of the program: no table keeps the Map alive, and the program cannot see them. */
class Mark extends Same {
  /** Another number after each `clear`. */
  #id
  /** Line of the last captured overwrite. @type {RaceLine | undefined} */
  #line

  /**
   * @param {Map<unknown, unknown>} map
   * @param {number} id
   */
  constructor(map, id) {
    super(map)
    this.#id = id
    this.#line = undefined
  }

  /** Returns 0 for an object without mark. @param {unknown} map */
  static id(map) {
    return typeof map === 'object' && map !== null && #id in map ? map.#id : 0
  }

  /**
   * @param {any} map with a mark
   * @param {number} id
   */
  static renew(map, id) {
    map.#id = id
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
