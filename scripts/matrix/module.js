'use strict'

// A module of a user.

module.exports = {
  /** @param {string} text */
  shout: text => text.toUpperCase(),
  /** Never ends. @param {import('node:worker_threads').MessagePort} port hears that it has begun */
  spin(port) {
    port.postMessage('begun')
    for (;;);
  }
}
