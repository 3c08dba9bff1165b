'use strict'

const { performance } = require('node:perf_hooks')
const { lateness } = require('../load/timer-lateness.js')

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
 * The same as a throughput.
 * @param {number} bytes that it works on
 * @param {() => unknown} work
 */
async function rate(bytes, work) {
  const { time, 'longest stop': stop } = await timed(work)
  return { throughput: bytes / 1e3 / time, 'longest stop': stop }
}

/**
 * What rows of timed work measure.
 * @param {import('./case.js').Bar} bar of the time
 * @param {number} [stop] that the loop may make at most
 * @returns {import('./case.js').Measure[]}
 */
function measures(bar, stop) {
  return [{ name: 'time', unit: 'ms', bar }, longestStop(stop)]
}

/**
 * @param {import('./case.js').Bar} bar of the throughput
 * @param {number} [stop] that the loop may make at most
 * @returns {import('./case.js').Measure[]}
 */
function rates(bar, stop) {
  return [{ name: 'throughput', unit: 'MB/s', bar }, longestStop(stop)]
}

/** @param {number} [atMost] @returns {import('./case.js').Measure} */
function longestStop(atMost) {
  return { name: 'longest stop', unit: 'ms', bar: atMost === undefined ? undefined : { of: 'value', atMost } }
}

module.exports = { measures, rate, rates, timed }
