'use strict'

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

/**
 * A contender each round of which has a process of its own, which prints what it measured as JSON.
 * @param {string} name
 * @param {string} file of load/
 * @param {readonly string[]} args
 * @param {readonly string[]} [flags] of Node
 * @returns {import('./case.js').Contender}
 */
function alone(name, file, args, flags = []) {
  return {
    name,
    async round() {
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...flags,
        join(__dirname, '..', 'load', file),
        ...args
      ])
      return JSON.parse(stdout)
    },
    // There is nothing that a round would leave warm.
    warm() {}
  }
}

module.exports = { alone }
