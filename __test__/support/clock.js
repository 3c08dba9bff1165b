'use strict'

const { clock } = require('../../lib/cache/clock')

/** Stops the clock of caches. Its time moves only by `advance`. */
function stopClock() {
  const { now } = clock
  let time = now()
  clock.now = () => time
  return {
    /** @param {number} millis */
    advance(millis) {
      time += millis
    },
    restore() {
      clock.now = now
    }
  }
}

module.exports = { stopClock }
