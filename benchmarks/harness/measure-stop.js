'use strict'

const { performance } = require('node:perf_hooks')
const { timerLateness } = require('../load/timer-lateness.js')

/**
 * Measures the duration of some work and its longest stop of the event loop, both in milliseconds.
 * @param {() => unknown} work
 */
async function measureStop(work) {
  globalThis.gc?.()
  const timer = timerLateness(1)
  const begin = performance.now()
  await work()
  const time = performance.now() - begin
  return { time, 'longest stop': Math.max(...(await timer.end())) }
}

/**
 * Measures the throughput of some work and its longest stop of the event loop.
 * @param {number} bytes processed by the work
 * @param {() => unknown} work
 */
async function measureThroughput(bytes, work) {
  const { time, 'longest stop': stop } = await measureStop(work)
  return { throughput: bytes / 1e3 / time, 'longest stop': stop }
}

/**
 * Returns the measures of a case that reports times.
 * @param {import('./case.js').Target} target of the time
 * @param {number} [stop] maximum allowed stop of the event loop, in ms
 * @returns {import('./case.js').Measure[]}
 */
function timeMeasures(target, stop) {
  return [{ name: 'time', unit: 'ms', target }, longestStop(stop)]
}

/**
 * Returns the measures of a case that reports a throughput.
 * @param {import('./case.js').Target} target of the throughput
 * @param {number} [stop] maximum allowed stop of the event loop, in ms
 * @returns {import('./case.js').Measure[]}
 */
function throughputMeasures(target, stop) {
  return [{ name: 'throughput', unit: 'MB/s', target }, longestStop(stop)]
}

/**
 * @param {number} [atMost]
 * @returns {import('./case.js').Measure}
 */
function longestStop(atMost) {
  return { name: 'longest stop', unit: 'ms', target: atMost === undefined ? undefined : { of: 'value', atMost } }
}

module.exports = { measureStop, measureThroughput, throughputMeasures, timeMeasures }
