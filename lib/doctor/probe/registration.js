'use strict'

const { appendFileSync } = require('node:fs')
const { identity } = require('../process-id')
const { processesPath } = require('../settings')

/**
 * Reports that this process belongs to the program, so that the doctor can end it. Processes that are dormant report nothing else.
 * @param {{ directory: string }} settings
 */
function register({ directory }) {
  try {
    const started = { ...identity(), parent: process.ppid, script: process.argv[1] ?? '' }
    appendFileSync(processesPath(directory), `${JSON.stringify(started)}\n`)
  } catch {
    // The directory cannot be written: a failing probe must not fail the program.
  }
}

module.exports = { register }
