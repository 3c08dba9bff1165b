'use strict'

// Contenders that take turns, each in its own process: the hooks that one sets and the heap that it leaves do not burden
// the others.

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
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process of ${name} failed (${signal ?? `exit code ${code}`})`)
  })
  gone.catch(() => {})
  return {
    name,
    async round() {
      child.send('round')
      const [sample] = await Promise.race([once(child, 'message'), gone])
      return sample
    },
    close() {
      if (child.connected) child.disconnect()
    }
  }
}

module.exports = { processPerContender }
