'use strict'

const { clock } = require('../../lib/cache/clock')

/** Stops the clock of caches, at a whole millisecond so that sums are exact; only `advance` moves it. */
function stopClock() {
  const { now } = clock
  let time = Math.ceil(now())
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
