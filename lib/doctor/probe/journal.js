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
const { commandPath, factsPath, isAlive, snapshotPath, tablesPath } = require('../settings')

/**
 * @typedef {import('../settings').Command} Command
 *
 * Receives the facts of a thread.
 * @typedef {Pick<Journal, 'add' | 'flush' | 'replaceTables' | 'command' | 'isAbandoned' | 'snapshotPath' | 'close' | 'removeDirectory'>} Facts
 */

/** Maximum number of lines between two calls of `flush`. */
const MAX_LINES = 10_000

/**
 * Writes the facts of this thread to a file, as lines of JSON, and reads the command. No descriptor stays open: a program may close all
 * descriptors, and the number of a closed one becomes that of a file or socket of the program.
 */
class Journal {
  #directory
  #reader
  #thread
  #facts
  #tables
  #isClosed = false
  /** @type {string[]} */
  #lines = []
  #changed = 0
  /** @type {Command} */
  #command = { phase: 'warm-up', snapshots: 0 }

  /**
   * @param {Pick<import('../settings').Settings, 'directory' | 'reader'>} settings
   * @param {number} thread
   */
  constructor({ directory, reader }, thread) {
    this.#directory = directory
    this.#reader = reader
    this.#thread = thread
    this.#tables = tablesPath(directory, process.pid, thread)
    this.#facts = factsPath(directory, process.pid, thread)
    closeSync(this.#open())
  }

  /** Adds a line, written by the next `flush`. @param {object} message */
  add(message) {
    if (!this.#isClosed && this.#lines.length < MAX_LINES) this.#lines.push(...linesOf(message))
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

  /** Returns whether the command line was killed. */
  isAbandoned() {
    return !isAlive(this.#reader)
  }

  /** Returns the path of a heap snapshot. @param {number} count */
  snapshotPath(count) {
    return snapshotPath(this.#directory, process.pid, this.#thread, count)
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

/** Returns the line of a message, or none if a method `toJSON` that the program has added to a prototype throws. @param {object} message */
function linesOf(message) {
  try {
    return [JSON.stringify(message)]
  } catch {
    return []
  }
}

module.exports = { Journal, linesOf }
