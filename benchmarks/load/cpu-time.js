'use strict'

/**
 * Returns the CPU time of some calls in nanoseconds per call: that of all threads of the process, garbage collection included.
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
