'use strict'

// Runs each case in a new process, so that it inherits nothing from another case.

const { fork } = require('node:child_process')
const { join } = require('node:path')
const { kill } = require('../../scripts/lib/process.js')

/**
 * @typedef {import('./suites.js').Chosen} Chosen
 * @typedef {import('./case.js').Measured} Measured
 */

/** How long the process of a case may take to end by itself once it has measured, in milliseconds. */
const GRACE = 10_000
/** How long it may send nothing, in milliseconds: it reports each round of each contender. */
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
      // With what it starts, so that all of them can be ended at once.
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
    // An interrupted run leaves nothing running.
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
      // What it started does not outlive it.
      stop()
      if (code === 0 && measured !== undefined) resolve(measured)
      else if (measured !== undefined) reject(new Error('its process did not end by itself'))
      else if (isSilent) reject(new Error(`no round ended within ${SILENCE / 1000} seconds`))
      else reject(new Error(`its process failed (${signal ?? `exit code ${code}`})`))
    })
  })
}

module.exports = { measure }
