'use strict'

/**
 * Calls back before a signal ends this process by default. While the program listens to the signal it decides alone, and its
 * listeners find no other beside them.
 * @param {NodeJS.Signals} signal
 * @param {() => void} callback
 * @returns {() => void} ends the observation
 */
function beforeDefaultEnd(signal, callback) {
  const emitter = /** @type {import('node:events').EventEmitter} */ (process)
  let isYielding = false
  const end = () => {
    release()
    callback()
    process.kill(process.pid, signal)
  }
  const yieldTo = (/** @type {string | symbol} */ type, /** @type {Function} */ listener) => {
    if (type !== signal || listener === end) return
    isYielding = true
    process.removeListener(signal, end)
    isYielding = false
  }
  const resume = (/** @type {string | symbol} */ type) => {
    if (type === signal && !isYielding && process.listenerCount(signal) === 0) process.on(signal, end)
  }
  const release = () => {
    process.removeListener('removeListener', resume)
    process.removeListener('newListener', yieldTo)
    process.removeListener(signal, end)
  }
  // Before the listener of Node.js, which begins to receive the signal for the first listener of the program.
  emitter.prependListener('newListener', yieldTo)
  process.on('removeListener', resume)
  if (process.listenerCount(signal) === 0) process.on(signal, end)
  return release
}

module.exports = { beforeDefaultEnd }
