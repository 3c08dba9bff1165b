'use strict'

// Names and messages that the command line and the probes share.

const { join } = require('node:path')

/**
 * Settings of a run, in the environment of the program.
 * @typedef {object} Settings
 * @property {string} directory for the facts, private to the user
 * @property {number} reader process that reads the facts
 * @property {number} threshold of a block, in milliseconds
 * @property {number} profileInterval of the CPU profile, in milliseconds
 * @property {'server' | 'batch'} program `batch`: observed from its beginning, without a server
 *
 * The state of a run, which the command line writes and the probes read.
 * @typedef {{ phase: 'warm-up' | 'measure' | 'finish', snapshots: number }} Command
 */

/** Variable of the environment that holds the settings. */
const VARIABLE = 'OFFLOOP_DOCTOR'
/** Time between two looks of a probe at the command, and between two rows of figures, in milliseconds. */
const TICK = 250
const EXTENSION = '.facts'

/** @param {string} directory */
function commandPath(directory) {
  return join(directory, 'command.json')
}

/**
 * Returns the file of the facts of a thread.
 * @param {string} directory
 * @param {number} pid
 * @param {number} thread
 */
function factsPath(directory, pid, thread) {
  return join(directory, `${pid}-${thread}${EXTENSION}`)
}

/**
 * Returns the file of a heap snapshot.
 * @param {string} directory
 * @param {number} pid
 * @param {number} thread
 * @param {number} count
 */
function snapshotPath(directory, pid, thread, count) {
  return join(directory, `${pid}-${thread}-${count}.heapsnapshot`)
}

/**
 * Returns the file of the tables of a thread: its last facts that are not single events.
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
  settingsOfEnvironment,
  snapshotPath,
  tablesPath
}
