'use strict'

/**
 * Returns the CPU time of all threads of the process during some calls, garbage collection included, in nanoseconds per call.
 * @param {number} calls made by `work`
 * @param {() => unknown} work
 */
async function cpuTime(calls, work) {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / calls
}

module.exports = { cpuTime }
