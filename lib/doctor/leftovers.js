'use strict'

// Processes of the program that outlive the one that the doctor has started: a shell, for example, passes on no signal.

const { now, setTimeout } = require('../internal/clock')

/** Time that a process gets to end after SIGTERM, in milliseconds. */
const GRACE = 5000
/** Time between two looks. */
const LOOK = 50

/**
 * Ends processes: by SIGTERM, later by SIGKILL.
 * @param {() => number[]} alive returns those that run
 */
async function endProcesses(alive) {
  const began = now()
  send(alive(), 'SIGTERM')
  while (alive().length > 0 && now() - began < GRACE) {
    await new Promise(resolve => void setTimeout(() => resolve(undefined), LOOK))
  }
  send(alive(), 'SIGKILL')
}

/**
 * @param {number[]} pids
 * @param {NodeJS.Signals} signal
 */
function send(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}

module.exports = { endProcesses, send }
