'use strict'

// The facts of `examine`, whose reader is the process itself: they are kept in memory, so that no file is left if the process is killed.

const { linesOf } = require('./journal')

/**
 * @typedef {import('../settings').Command} Command
 * @typedef {import('./journal').Facts} Facts
 */

/** @implements {Facts} */
class MemoryJournal {
  /** Text rather than objects, which the program could change. @type {string[]} */
  #lines = []
  /** @type {object[]} */
  #tables = []

  /** @param {object} message */
  add(message) {
    this.#lines.push(...linesOf(message))
  }

  flush() {}

  /** @param {object[]} tables */
  replaceTables(tables) {
    this.#tables = tables
  }

  /** @returns {Command} */
  command() {
    return { phase: 'warm-up', snapshots: 0 }
  }

  isAbandoned() {
    return false
  }

  snapshotPath() {
    return ''
  }

  close() {}

  removeDirectory() {}

  /** Returns all messages; the last one is the tables. @returns {any[]} */
  messages() {
    return [...this.#lines, ...linesOf({ type: 'tables', tables: this.#tables })].map(line => JSON.parse(line))
  }
}

module.exports = { MemoryJournal }
