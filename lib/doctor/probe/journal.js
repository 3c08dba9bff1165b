'use strict'

const {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} = require('node:fs')
const { commandPath, factsPath, tablesPath } = require('../settings')

/** @typedef {import('../settings').Command} Command */

/** Maximum number of lines between two calls of `flush`. */
const MAX_LINES = 10_000

/**
 * Writes the facts of this thread to a file, as lines of JSON, and reads the command. No descriptor stays open: a program may close all
 * descriptors, and the number of a closed one becomes that of a file or socket of the program.
 */
class Journal {
  #directory
  #facts
  #tables
  #isClosed = false
  /** @type {string[]} */
  #lines = []
  #changed = 0
  /** @type {Command} */
  #command = { phase: 'warm-up', snapshots: 0 }

  /**
   * @param {string} directory
   * @param {number} thread
   */
  constructor(directory, thread) {
    this.#directory = directory
    this.#tables = tablesPath(directory, process.pid, thread)
    this.#facts = factsPath(directory, process.pid, thread)
    closeSync(this.#open())
  }

  /** Adds a line, written by the next `flush`. @param {object} message */
  add(message) {
    if (this.#isClosed || this.#lines.length >= MAX_LINES) return
    try {
      this.#lines.push(JSON.stringify(message))
    } catch {
      // A method `toJSON` that the program has added to a prototype has thrown.
    }
  }

  /** Writes the added lines. If the disk is full, they are lost, since the program must not fail. */
  flush() {
    if (this.#lines.length === 0) return
    try {
      const fd = this.#open()
      try {
        appendFileSync(fd, `${this.#lines.splice(0).join('\n')}\n`)
      } finally {
        closeSync(fd)
      }
    } catch {
      // If the program has used up its descriptors, the lines wait for the next call.
    }
  }

  /** Replaces the tables. @param {object[]} tables */
  replaceTables(tables) {
    try {
      writeFileSync(`${this.#tables}.new`, JSON.stringify(tables), { mode: 0o600 })
      renameSync(`${this.#tables}.new`, this.#tables)
    } catch {
      // The previous tables are reported.
    }
  }

  /** Returns the current command. */
  command() {
    const path = commandPath(this.#directory)
    try {
      const { mtimeMs } = statSync(path)
      if (mtimeMs === this.#changed) return this.#command
      this.#command = JSON.parse(readFileSync(path, 'utf8'))
      this.#changed = mtimeMs
    } catch {
      // The command line has ended and removed the directory.
    }
    return this.#command
  }

  /** Writes the last lines. Later ones are ignored. */
  close() {
    this.flush()
    this.#isClosed = true
    this.#lines = []
  }

  /** Removes the directory, because the command line was killed and cannot. */
  removeDirectory() {
    try {
      rmSync(this.#directory, { recursive: true, force: true })
    } catch {
      // Another process still writes to the directory, and removes it when it has finished.
    }
  }

  #open() {
    return openSync(this.#facts, 'a', 0o600)
  }
}

module.exports = { Journal }
