'use strict'

const { execFile } = require('node:child_process')
const { join } = require('node:path')
const { promisify } = require('node:util')

/**
 * Makes a contender that runs each round in a new process, which prints its measurements as JSON.
 * @param {string} name
 * @param {string} file of load/
 * @param {readonly string[]} args
 * @param {readonly string[]} [flags] of Node
 * @returns {import('./case.js').Contender}
 */
function processPerRound(name, file, args, flags = []) {
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
    // Each round starts cold, so there is nothing to warm up.
    warm() {}
  }
}

module.exports = { processPerRound }
