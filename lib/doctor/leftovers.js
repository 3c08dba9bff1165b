'use strict'

// Ends processes that outlive the process that the doctor started: a shell, for example, does not pass on signals.

const { now, setTimeout } = require('../internal/clock')

/** Time that a process gets to end after SIGTERM, in milliseconds. */
const GRACE = 5000
/** Time between two checks, in milliseconds. */
const LOOK = 50

/**
 * Ends processes by SIGTERM and, if they are still running five seconds later, by SIGKILL.
 * @param {() => number[]} alive returns the processes that run
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
      // The process has ended, or belongs to another user.
    }
  }
}

module.exports = { endProcesses, send }
