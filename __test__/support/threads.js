'use strict'

const { readdirSync, readFileSync } = require('node:fs')

/**
 * Lists the names of this process's threads with the prefix. Linux only, which truncates names to 15 characters.
 * @param {string} prefix
 */
function threadNames(prefix) {
  const names = readdirSync('/proc/self/task').map(id => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    } catch {
      return '' // the thread has ended
    }
  })
  return names.filter(name => name.startsWith(prefix.slice(0, 15)))
}

module.exports = { threadNames }
