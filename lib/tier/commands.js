'use strict'

/**
 * @typedef {import('./engine').Command} Command
 * @typedef {import('./engine').Commands} Commands
 */

/**
 * Returns the commands of an engine that sends each one as a message.
 * @param {(command: Command) => Promise<any>} send returns the reply; rejects while there is no connection
 * @returns {Commands}
 */
function commandsOver(send) {
  return {
    take: (cache, key, argument) => send({ name: 'take', cache, key, argument }),
    store: (cache, key, argument) => send({ name: 'store', cache, key, argument }),
    finish: (cache, key, argument) => send({ name: 'finish', cache, key, argument }),
    renew: (cache, key, argument) => send({ name: 'renew', cache, key, argument }),
    put: (cache, key, argument) => send({ name: 'put', cache, key, argument }),
    dropVersion: (cache, key, argument) => send({ name: 'dropVersion', cache, key, argument }),
    drop: (cache, keys) => send({ name: 'drop', cache, key: '', argument: keys }),
    clear: cache => send({ name: 'clear', cache, key: '', argument: undefined }),
    agree: (cache, settings) => send({ name: 'agree', cache, key: '', argument: settings }),
    subscribe: cache => send({ name: 'subscribe', cache, key: '', argument: undefined }),
    unsubscribe: cache => send({ name: 'unsubscribe', cache, key: '', argument: undefined }),
    beat: beat => send({ name: 'beat', cache: '', key: '', argument: beat })
  }
}

module.exports = { commandsOver }
