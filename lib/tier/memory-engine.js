'use strict'

const { commandsOver } = require('./commands')

/**
 * @typedef {import('./engine').Engine} Engine
 * @typedef {import('./hub').Hub} Hub
 */

/**
 * Returns an engine over a hub of this thread.
 * @param {Hub} hub
 * @returns {Engine}
 */
function memoryEngine(hub) {
  /** @type {import('./engine').EngineListener | undefined} */
  let listener
  const connection = {
    onEvent: (/** @type {import('./space').Event} */ { cache, key, message }) =>
      listener?.onMessage(cache, key, message),
    onEcho: (/** @type {number} */ beat) => listener?.onEcho(beat)
  }
  return {
    ...commandsOver(async command => hub.execute(connection, command)),
    open(it) {
      listener = it
      it.onConnected()
    },
    hold() {},
    async close() {
      hub.disconnect(connection)
      listener = undefined
    }
  }
}

module.exports = { memoryEngine }
