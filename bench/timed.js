'use strict'

const { performance } = require('node:perf_hooks')
const { lateness } = require('./lateness.js')

/**
 * How long some work takes, and for how long it stops the loop at most, both in milliseconds.
 * @param {() => unknown} work
 */
async function timed(work) {
  globalThis.gc?.()
  const timer = lateness(1)
  const begin = performance.now()
  await work()
  const time = performance.now() - begin
  return { time, 'longest stop': Math.max(...(await timer.end())) }
}

/**
 * What rows of timed work measure.
 * @param {import('./row.js').Bar} bar of the time
 * @param {number} [stop] that the loop may make at most
 * @returns {import('./row.js').Measure[]}
 */
function measures(bar, stop) {
  const most = stop === undefined ? undefined : /** @type {const} */ ({ of: 'value', atMost: stop })
  return [
    { name: 'time', unit: 'ms', bar },
    { name: 'longest stop', unit: 'ms', bar: most }
  ]
}

module.exports = { measures, timed }
