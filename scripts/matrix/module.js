'use strict'

// User module for the checks.

module.exports = {
  /** @param {string} text */
  shout: text => text.toUpperCase(),
  /** Sends a message, then never returns. @param {import('node:worker_threads').MessagePort} port */
  spin(port) {
    port.postMessage('started')
    for (;;);
  }
}
