'use strict'

// The directory in which the processes of a host meet: it belongs to this user, and others cannot enter it.

const { createHash } = require('node:crypto')
const { lstatSync, mkdirSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join, resolve } = require('node:path')
const { tierError } = require('../errors')
const { invalidValue } = require('../../internal/validate')

/**
 * @typedef {object} Address
 * @property {string} directory
 * @property {string} lock file that the keeper has locked
 * @property {string} socket
 * @property {boolean} isFile whether the socket is a file
 */

/** Part of the file names: processes with different protocols do not meet. */
const PROTOCOL = 1
/** Longest path of a socket that all systems accept, in bytes. */
const MAX_PATH = 103
/** Permissions of group and others. */
const OTHERS = 0o077

/**
 * Returns the address of the processes that meet in a directory, after creating it.
 * @param {string} [path] default: shared by all programs of this user
 * @returns {Address}
 */
function addressOf(path = defaultDirectory()) {
  const directory = resolve(path)
  const isFile = process.platform !== 'win32'
  const socket = isFile ? join(directory, `socket-${PROTOCOL}`) : pipeOf(directory)
  if (isFile && Buffer.byteLength(socket) > MAX_PATH) {
    throw invalidValue(`The "options.path" property must be shorter: ${socket} has more than ${MAX_PATH} bytes`)
  }
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw tierError(`cannot create its directory ${directory}`, /** @type {Error} */ (cause))
  }
  if (isFile) checkOwner(directory)
  return { directory, lock: join(directory, `lock-${PROTOCOL}`), socket, isFile }
}

function defaultDirectory() {
  const { XDG_RUNTIME_DIR: runtime } = process.env
  if (runtime !== undefined && runtime !== '') return join(runtime, 'offloop')
  return join(tmpdir(), `offloop-${process.getuid?.() ?? process.env.USERNAME ?? 'user'}`)
}

/** Returns the name of the pipe for a directory. @param {string} directory */
function pipeOf(directory) {
  const hash = createHash('sha256').update(directory.toLowerCase()).digest('hex')
  return `\\\\.\\pipe\\offloop-${PROTOCOL}-${hash}`
}

/** Throws unless a directory belongs to this user alone. @param {string} directory */
function checkOwner(directory) {
  const stats = lstatSync(directory)
  const user = /** @type {NonNullable<typeof process.geteuid>} */ (process.geteuid)()
  if (!stats.isDirectory()) throw tierError(`requires a directory: ${directory} is a link or a file`, undefined)
  if (stats.uid !== user) {
    throw tierError(`requires a directory of user ${user}: ${directory} belongs to user ${stats.uid}`, undefined)
  }
  const mode = stats.mode & 0o777
  if ((mode & OTHERS) === 0) return
  throw tierError(`requires a directory with mode 700: ${directory} has mode ${mode.toString(8)}`, undefined)
}

module.exports = { addressOf }
