'use strict'

const { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } = require('node:fs')
const { commandPath, factsPath, tablesPath } = require('../settings')

/** @typedef {import('../settings').Command} Command */

/** Lines that are kept if the file cannot be written. */
const MAX_LINES = 10_000

/** The file to which this thread writes its facts, a line of JSON each, and the command that it reads. */
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

  /** Writes the added lines. A full disk loses them: the program must not fail by it. */
  flush() {
    if (this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    try {
      let rest = Buffer.from(text)
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest))
    } catch {
      // The command line reports the lines before.
    }
  }

  /** Writes the tables, in place of those before. @param {object[]} tables */
  replaceTables(tables) {
    try {
      writeFileSync(`${this.#tables}.new`, JSON.stringify(tables), { mode: 0o600 })
      renameSync(`${this.#tables}.new`, this.#tables)
    } catch {
      // The command line reads those before.
    }
  }

  /** Returns the command. */
  command() {
    const path = commandPath(this.#directory)
    try {
      const { mtimeMs } = statSync(path)
      if (mtimeMs === this.#changed) return this.#command
      this.#command = JSON.parse(readFileSync(path, 'utf8'))
      this.#changed = mtimeMs
    } catch {
      // The directory is gone: the command line has ended.
    }
    return this.#command
  }

  close() {
    this.flush()
    closeSync(this.#fd)
  }

  /** Removes the directory, whose reader has ended. */
  removeDirectory() {
    try {
      rmSync(this.#directory, { recursive: true, force: true })
    } catch {
      // Another process still writes, and removes it then.
    }
  }
}

module.exports = { Journal }
