'use strict'

// Contenders that take turns, each in a separate process, so that async hooks and heap state of one do not affect the others.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')

/** @typedef {import('./case.js').Contender} Contender */

/**
 * @param {string} file which exports `contender`
 * @param {string} caseName
 * @param {string} name of the contender
 * @returns {Contender}
 */
function processPerContender(file, caseName, name) {
  const child = fork(join(__dirname, 'contender-main.js'), [file, caseName, name], { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process of ${name} failed (${signal ?? `exit code ${code}`})`)
  })
  exited.catch(() => {})
  return {
    name,
    async round() {
      child.send('round')
      const [sample] = await Promise.race([once(child, 'message'), exited])
      return sample
    },
    close() {
      if (child.connected) child.disconnect()
    }
  }
}

module.exports = { processPerContender }
