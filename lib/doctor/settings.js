'use strict'

// Settings, commands and file names that the command line and the probes share.

const { join } = require('node:path')

/**
 * Settings of a run, in an environment variable of the program.
 * @typedef {object} Settings
 * @property {string} directory directory of the facts, which only the user can read
 * @property {number} reader id of the process that reads the facts
 * @property {number} threshold minimum duration of a block, in milliseconds
 * @property {number} profileInterval sampling interval of the CPU profile, in milliseconds
 * @property {'server' | 'batch'} program `batch`: probes start with the program instead of its server
 *
 * The heaps of which to take snapshots: those of some processes, and only up to a size in bytes.
 * @typedef {{ processes: number[], largest?: number }} Heaps
 *
 * The command of a run, which the command line writes and the probes read: the phase, and the number of requested heap snapshots.
 * @typedef {{ phase: 'warm-up' | 'measure' | 'finish', snapshots: number, heaps?: Heaps }} Command
 */

/** Environment variable that holds the settings. */
const VARIABLE = 'OFFLOOP_DOCTOR'
/** Interval at which processes read the command and write a row of figures, in milliseconds. */
const TICK = 250
const EXTENSION = '.facts'

/** @param {string} directory */
function commandPath(directory) {
  return join(directory, 'command.json')
}

/** Returns the path of the file that lists the processes of the program. @param {string} directory */
function processesPath(directory) {
  return join(directory, 'processes')
}

/**
 * Returns the path of the file with the facts of a thread.
 * @param {string} directory
 * @param {number} pid
 * @param {number} thread
 */
function factsPath(directory, pid, thread) {
  return join(directory, `${pid}-${thread}${EXTENSION}`)
}

/**
 * Returns the path of a heap snapshot.
 * @param {string} directory
 * @param {number} pid
 * @param {number} thread
 * @param {number} count
 */
function snapshotPath(directory, pid, thread, count) {
  return join(directory, `${pid}-${thread}-${count}.heapsnapshot`)
}

/**
 * Returns the path of the tables of a thread: the facts that are totals rather than single events.
 * @param {string} directory
 * @param {number} pid
 * @param {number} thread
 */
function tablesPath(directory, pid, thread) {
  return join(directory, `${pid}-${thread}.tables`)
}

/** @returns {Settings | undefined} */
function settingsOfEnvironment() {
  try {
    return JSON.parse(process.env[VARIABLE] ?? '')
  } catch {
    return undefined
  }
}

/** Returns whether a process runs. @param {number | undefined} pid */
function isAlive(pid) {
  try {
    process.kill(/** @type {number} */ (pid), 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

module.exports = {
  EXTENSION,
  TICK,
  VARIABLE,
  commandPath,
  factsPath,
  isAlive,
  processesPath,
  settingsOfEnvironment,
  snapshotPath,
  tablesPath
}
