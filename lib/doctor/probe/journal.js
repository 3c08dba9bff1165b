'use strict'

const { closeSync, openSync, readFileSync, statSync, writeSync } = require('node:fs')
const { commandPath, factsPath } = require('../settings')

/** @typedef {import('../settings').Command} Command */

/** Lines that are kept if the file cannot be written. */
const MAX_LINES = 10_000

/** The file to which this thread writes its facts, a line of JSON each, and the command that it reads. */
class Journal {
  #directory
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
}

module.exports = { Journal }
