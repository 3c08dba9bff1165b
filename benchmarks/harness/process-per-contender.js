'use strict'

// Contenders that take turns in processes of their own: what one does to its process, such as the hooks it sets and the
// heap it leaves, is not for the others to bear.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')

/** @typedef {import('./case.js').Contender} Contender */

/**
 * @param {string} file which exports `contender`
 * @param {string} row
 * @param {string} name of the contender
 * @returns {Contender}
 */
function apart(file, row, name) {
  const child = fork(join(__dirname, 'contender-main.js'), [file, row, name], { execArgv: ['--expose-gc'] })
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

module.exports = { apart }
