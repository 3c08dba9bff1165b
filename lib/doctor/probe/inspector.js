'use strict'

/** @typedef {import('node:inspector').Session} Session */

/**
 * Returns an inspector session of this thread, or `undefined` if Node.js was built without the inspector or `--permission` forbids it.
 * @returns {Session | undefined}
 */
function connected() {
  try {
    const { Session } = require('node:inspector')
    const session = new Session()
    session.connect()
    return session
  } catch {
    return undefined
  }
}

/**
 * Calls a method of the inspector that answers before `post` returns.
 * @param {Session | undefined} session
 * @param {string} method
 * @param {object} [parameters]
 * @returns {any} the answer, or `undefined` if the method failed
 */
function call(session, method, parameters) {
  let answer
  session?.post(method, parameters, (_error, result) => {
    answer = result
  })
  return answer
}

module.exports = { call, connected }
