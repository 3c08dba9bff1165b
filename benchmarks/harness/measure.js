'use strict'

// Runs each case in a new process, so that cases do not affect one another.

const { fork } = require('node:child_process')
const { join } = require('node:path')
const { kill } = require('../../scripts/lib/process.js')

/**
 * @typedef {import('./suites.js').Chosen} Chosen
 * @typedef {import('./case.js').Measured} Measured
 */

/** Time for the process of a case to exit after its last measurement, in milliseconds. */
const GRACE = 10_000
/** Maximum time between messages in milliseconds: the process reports each round of each contender. */
const SILENCE = 180_000

/**
 * @param {Chosen} chosen
 * @param {number} rounds
 * @returns {Promise<Measured>}
 */
function measure({ suite, benchmark }, rounds) {
  return new Promise((resolve, reject) => {
    const child = fork(join(__dirname, 'case.js'), [suite, benchmark.name, String(rounds)], {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      // A new process group, so that its descendants can be killed with it.
      detached: process.platform !== 'win32'
    })
    /** @type {Measured | undefined} */
    let measured
    let isSilent = false
    const stop = () => kill(child)
    const giveUp = () => {
      isSilent = true
      stop()
    }
    let timer = setTimeout(giveUp, SILENCE)
    // An interrupted run leaves no process behind.
    process.once('exit', stop)
    child.on('message', message => {
      clearTimeout(timer)
      if (message === 'round') timer = setTimeout(giveUp, SILENCE)
      else {
        measured = /** @type {Measured} */ (message)
        timer = setTimeout(stop, GRACE)
      }
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', stop)
      // Kill its descendants.
      stop()
      if (code === 0 && measured !== undefined) resolve(measured)
      else if (measured !== undefined) reject(new Error('its process did not exit'))
      else if (isSilent) reject(new Error(`no round completed within ${SILENCE / 1000} seconds`))
      else reject(new Error(`its process failed (${signal ?? `exit code ${code}`})`))
    })
  })
}

module.exports = { measure }
