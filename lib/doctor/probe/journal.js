'use strict'

const { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } = require('node:fs')
const { commandPath, factsPath, tablesPath } = require('../settings')

/** @typedef {import('../settings').Command} Command */

/** Maximum number of lines between two calls of `flush`. */
const MAX_LINES = 10_000

/** Writes the facts of this thread to a file, as lines of JSON, and reads the command. */
class Journal {
  #directory
  #tables
  #fd
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
    this.#fd = openSync(factsPath(directory, process.pid, thread), 'a', 0o600)
  }

  /** File descriptor of the facts. */
  get fd() {
    return this.#fd
  }

  /** Adds a line, written by the next `flush`. @param {object} message */
  add(message) {
    if (this.#lines.length < MAX_LINES) this.#lines.push(JSON.stringify(message))
  }

  /** Writes the added lines. If the disk is full, they are lost, since the program must not fail. */
  flush() {
    if (this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    try {
      let rest = Buffer.from(text)
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest))
    } catch {
      // The lines written before are reported.
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

  close() {
    this.flush()
    closeSync(this.#fd)
  }

  /** Removes the directory, because the command line was killed and cannot. */
  removeDirectory() {
    try {
      rmSync(this.#directory, { recursive: true, force: true })
    } catch {
      // Another process still writes to the directory, and removes it when it has finished.
    }
  }
}

module.exports = { Journal }
