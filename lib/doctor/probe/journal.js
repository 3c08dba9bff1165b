'use strict'

const { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } = require('node:fs')
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
    write(this.#facts, 'a', '')
  }

  /** Adds a line, written by the next `flush`. @param {object} message */
  add(message) {
    if (!this.#isClosed && this.#lines.length < MAX_LINES) this.#lines.push(...linesOf(message))
  }

  /** Writes the added lines. If the disk is full, they are lost, since the program must not fail. */
  flush() {
    const lines = this.#lines
    if (lines.length === 0) return
    this.#lines = []
    try {
      write(this.#facts, 'a', `${lines.join('\n')}\n`)
    } catch (error) {
      // If the file cannot be opened, for example for lack of a free descriptor, the lines wait for the next call.
      if (/** @type {NodeJS.ErrnoException} */ (error).syscall === 'open') this.#lines = lines
    }
  }

  /** Replaces the tables. @param {object[]} tables */
  replaceTables(tables) {
    try {
      write(`${this.#tables}.new`, 'w', JSON.stringify(tables))
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
}

/**
 * Writes text to a file. `writeFileSync` would call other functions through the exports of `fs`, which the program may replace.
 * @param {string} path
 * @param {'a' | 'w'} flags
 * @param {string} text
 */
function write(path, flags, text) {
  const fd = openSync(path, flags, 0o600)
  try {
    let rest = Buffer.from(text)
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
  } finally {
    closeSync(fd)
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
