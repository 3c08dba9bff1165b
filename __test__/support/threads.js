'use strict'

const { readdirSync, readFileSync } = require('node:fs')

/**
 * The names of this process's threads that begin like this. Linux only, which cuts names after 15 characters.
 * @param {string} prefix
 */
function threadNames(prefix) {
  const names = readdirSync('/proc/self/task').map(id => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    } catch {
      return '' // it has just ended
    }
  })
  return names.filter(name => name.startsWith(prefix.slice(0, 15)))
}

module.exports = { threadNames }
