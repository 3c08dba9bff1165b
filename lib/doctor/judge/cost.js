'use strict'

// The overhead of the doctor: times that the probes have measured, and estimates for those that are too short to be measured.

const { measuredTime } = require('./groups')
const { requestCount, utilizationOf } = require('./processes')
const { sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('./parts').Setup} Setup
 */

/** Share of the busy time that the CPU profile and the profile of allocations cost, as measured by the benchmark `doctor-request`. */
const SAMPLING = 0.04
/** Milliseconds of a sample of the CPU profile, of a request, and of a call to another service. */
const SAMPLE = 0.06
const REQUEST = 0.0002
const CALL = 0.002

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {import('../../../doctor').Report['cost']}
 */
function costOf({ processes }, { seconds }) {
  const busy = (/** @type {ProcessFacts} */ process) => utilizationOf(process) * measuredTime(process, seconds)
  /** @type {Record<string, number>} */
  const parts = {}
  for (const process of processes) {
    for (const [name, time] of [
      ...Object.entries(process.cost),
      ...Object.entries(estimates(process, busy(process)))
    ]) {
      if (time > 0) parts[name] = (parts[name] ?? 0) + time
    }
  }
  // Threads other than that of the loop count too.
  const used = sum(processes.map(process => Math.max(process.processorTime || 0, busy(process))))
  return { share: used === 0 ? 0 : Math.min(1, sum(Object.values(parts)) / used), parts }
}

/**
 * Returns the parts that are estimated, in milliseconds.
 * @param {ProcessFacts} process
 * @param {number} busy
 */
function estimates(process, busy) {
  const { profile, downstream } = process
  return {
    sampling: profile === undefined ? 0 : busy * SAMPLING + profile.samples * SAMPLE,
    requests: requestCount(process) * REQUEST,
    calls: sum(downstream.map(({ calls }) => calls)) * CALL
  }
}

module.exports = { costOf }
