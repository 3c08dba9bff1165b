'use strict'

const { appendFileSync } = require('node:fs')
const { factsPath } = require('../settings')

/**
 * Reports that this process cannot be observed.
 * @param {{ directory: string }} settings
 * @param {string} reason
 */
function refuse({ directory }, reason) {
  try {
    appendFileSync(
      factsPath(directory, process.pid, 0),
      `${JSON.stringify({ type: 'refused', pid: process.pid, reason })}\n`
    )
  } catch {
    // The directory cannot be written either.
  }
}

module.exports = { refuse }
