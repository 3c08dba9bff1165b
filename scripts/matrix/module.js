'use strict'

// A user's module for the checks.

module.exports = {
  /** @param {string} text */
  shout: text => text.toUpperCase(),
  /** Never ends. @param {import('node:worker_threads').MessagePort} port receives a message at the start */
  spin(port) {
    port.postMessage('begun')
    for (;;);
  }
}
