'use strict'

/**
 * Calls back before a signal ends this process by default. While the program has listeners for the signal, the listener of the doctor is
 * removed: the program decides what to do, and `listenerCount` is the same as without the doctor.
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
  // Prepended: removing `end` makes Node.js stop receiving the signal, and its own listener for `newListener` then starts again.
  emitter.prependListener('newListener', yieldTo)
  process.on('removeListener', resume)
  if (process.listenerCount(signal) === 0) process.on(signal, end)
  return release
}

module.exports = { beforeDefaultEnd }
