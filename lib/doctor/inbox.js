'use strict'

// The private directory where the probes write their facts, and from which they read the command.

const {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync
} = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { Rows } = require('./rows')
const { EXTENSION, commandPath, processesPath, tablesPath } = require('./settings')

/** @typedef {import('./settings').Command} Command */

const CHUNK = 1 << 20
/** Maximum length of a line in bytes. The last line of a process that was killed has no end. */
const MAX_LINE = 256 << 20

/** A file of messages, such as the facts of a process. */
class Source {
  #fd
  #rest = Buffer.alloc(0)
  #rows = new Rows()
  /** Messages in order. @type {any[]} */
  messages = []

  /** @param {string} path */
  constructor(path) {
    this.#fd = openSync(path, 'r')
  }

  /** Reads the lines that the process has added. */
  read() {
    const chunk = Buffer.alloc(CHUNK)
    for (let count = readSync(this.#fd, chunk); count > 0; count = readSync(this.#fd, chunk)) {
      this.#take(chunk.subarray(0, count))
    }
  }

  close() {
    closeSync(this.#fd)
  }

  /** @param {Buffer} bytes */
  #take(bytes) {
    let text = Buffer.concat([this.#rest, bytes])
    for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10)) {
      this.#add(text.subarray(0, end).toString())
      text = text.subarray(end + 1)
    }
    this.#rest = text.length > MAX_LINE ? Buffer.alloc(0) : text
  }

  /** @param {string} line */
  #add(line) {
    const message = parsed(line)
    if (message === undefined) return
    if (message.type !== 'row' || this.#rows.add(message)) this.messages.push(message)
    const superfluous = this.#rows.thin()
    if (superfluous.size > 0) this.messages = this.messages.filter(it => !superfluous.has(it))
  }
}

/** @param {string} line */
function parsed(line) {
  try {
    return JSON.parse(line)
  } catch {
    // The process was killed while it wrote the line.
    return undefined
  }
}

class Inbox {
  directory = mkdtempSync(join(tmpdir(), 'offloop-doctor-'))
  /** @type {Map<string, Source>} */
  #sources = new Map()
  #processes
  /** Why messages or commands may be missing. @type {string | undefined} */
  fault

  constructor() {
    const path = processesPath(this.directory)
    writeFileSync(path, '')
    this.#processes = new Source(path)
  }

  /** Writes the command. Sets `fault` if that fails. @param {Command} command */
  command(command) {
    const path = commandPath(this.directory)
    try {
      writeFileSync(`${path}.new`, JSON.stringify(command))
      renameSync(`${path}.new`, path)
    } catch (error) {
      this.#fail(error)
    }
  }

  /**
   * Reads the new lines of all processes, and returns the messages of each.
   * @returns {any[][]}
   */
  read() {
    try {
      this.#open()
    } catch (error) {
      // The files that are open can be read although the directory was removed.
      this.#fail(error)
    }
    return [...this.#sources.values()].map(source => {
      source.read()
      return source.messages
    })
  }

  /** @param {unknown} error */
  #fail(error) {
    this.fault ??= `The temporary directory cannot be used: ${/** @type {Error} */ (error).message}`
  }

  /** Opens the files of new processes. */
  #open() {
    for (const name of readdirSync(this.directory)) {
      if (name.endsWith(EXTENSION) && !this.#sources.has(name)) {
        this.#sources.set(name, new Source(join(this.directory, name)))
      }
    }
  }

  /** Returns the processes of the program that have started. @returns {(import('./process-id').Identity & { parent: number, script: string })[]} */
  processes() {
    this.#processes.read()
    return this.#processes.messages
  }

  /**
   * Reads all facts. Returns the messages of each process; the last message may be its tables.
   * @returns {any[][]}
   */
  all() {
    return this.read().map(messages => {
      const tables = this.#tables(messages[0])
      return tables === undefined ? messages : [...messages, { type: 'tables', tables }]
    })
  }

  /** @param {{ pid: number, thread: number } | undefined} hello */
  #tables(hello) {
    try {
      return hello && JSON.parse(readFileSync(tablesPath(this.directory, hello.pid, hello.thread), 'utf8'))
    } catch {
      // The process was not measured.
      return undefined
    }
  }

  remove() {
    for (const source of [this.#processes, ...this.#sources.values()]) source.close()
    this.#sources.clear()
    try {
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 })
    } catch {
      // A process that did not end still writes to the directory. The report must be written anyway.
    }
  }
}

module.exports = { Inbox }
