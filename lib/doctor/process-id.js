'use strict'

// Identifies processes. The system reuses the id of a process that has ended, so the start time belongs to the identity. Only Linux has
// files with the start time.

const { readFileSync, readdirSync } = require('node:fs')

/** @typedef {{ pid: number, started: string | undefined }} Identity */

/** Index of the start time, in clock ticks, among the fields of `/proc/PID/stat` after the name. */
const STARTED = 19
/** States of processes that have ended. */
const ENDED = ['Z', 'X']

/** Returns the identity of this process. @returns {Identity} */
function identity() {
  const { pid } = process
  return { pid, started: statOf(pid)?.started }
}

/** Returns whether a process certainly runs. @param {Identity} identity */
function isRunning({ pid, started }) {
  const stat = statOf(pid)
  return stat !== undefined && stat.started === started && !ENDED.includes(stat.state)
}

/**
 * Returns the given processes and their descendants, without those below a parent that has ended.
 * @param {readonly number[]} pids
 * @returns {Identity[]}
 */
function descendantsOf(pids) {
  const all = allProcesses()
  const found = new Set(pids)
  let size = 0
  while (size !== found.size) {
    size = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return all.filter(({ pid }) => found.has(pid)).map(({ pid, started }) => ({ pid, started }))
}

function allProcesses() {
  try {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
    return pids.map(Number).flatMap(pid => {
      const stat = statOf(pid)
      return stat === undefined ? [] : [{ pid, ...stat }]
    })
  } catch {
    // The system has no such files.
    return []
  }
}

/** Returns the state, the parent and the start time of a process. @param {number} pid */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name may have parentheses and spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], parent: Number(fields[1]), started: fields[STARTED] }
  } catch {
    // The process has ended, or the system has no such files.
    return undefined
  }
}

module.exports = { descendantsOf, identity, isRunning }
