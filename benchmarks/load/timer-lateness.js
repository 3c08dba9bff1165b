'use strict'

const { performance } = require('node:perf_hooks')

/**
 * Measures how late a chain of timers fires: the time that a new request would wait for the event loop.
 * @param {number} interval milliseconds
 */
function timerLateness(interval) {
  /** @type {number[]} */
  const late = []
  /** @type {((late: number[]) => void) | undefined} */
  let last
  arm()

  function arm() {
    const due = performance.now() + interval
    setTimeout(() => {
      late.push(Math.max(0, performance.now() - due))
      if (last === undefined) arm()
      else last(late)
    }, interval)
  }

  return {
    /**
     * Waits for the pending timer, which covers the end of the work.
     * @returns {Promise<number[]>} milliseconds
     */
    end() {
      return new Promise(resolve => {
        last = resolve
      })
    }
  }
}

module.exports = { timerLateness }
