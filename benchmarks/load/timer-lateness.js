'use strict'

const { performance } = require('node:perf_hooks')

/**
 * How late a chain of timers fires: what a request that comes in meanwhile would wait for the loop.
 * @param {number} interval milliseconds
 */
function lateness(interval) {
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
     * Waits for the timer that is under way, which saw what happened last.
     * @returns {Promise<number[]>} milliseconds
     */
    end() {
      return new Promise(resolve => {
        last = resolve
      })
    }
  }
}

module.exports = { lateness }
