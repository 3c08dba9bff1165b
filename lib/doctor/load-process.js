'use strict'

// Main file of a process that runs autocannon and sends its figures to the parent process.

const { getPriority, setPriority } = require('node:os')

// The parent process was killed.
process.once('disconnect', () => process.exit())

process.once('message', async (/** @type {any} */ { autocannon, address, shots, connections, rate }) => {
  // autocannon must not take the cores from the program.
  try {
    setPriority(getPriority() + 5)
  } catch {
    // The system does not allow the change.
  }
  const shooting = require(autocannon)({
    ...address,
    connections,
    // The parent process stops it earlier.
    duration: 86_400,
    ...(rate === undefined ? {} : { overallRate: rate }),
    timeout: 30,
    requests: shots.map((/** @type {any} */ { method, path, body, type }) => ({
      method,
      path,
      ...(body === undefined ? {} : { body: Buffer.from(body.data) }),
      ...(type === undefined ? {} : { headers: { 'content-type': type } })
    }))
  })
  // The second message means the end of the measurement.
  process.once('message', () => shooting.stop())
  const result = await shooting
  const { latency, errors, non2xx, statusCodeStats } = result
  const { mean, p50, p90, p99, max } = latency
  process.send?.({
    requests: result.requests.total,
    // Timeouts are among the errors.
    errors: errors + non2xx,
    statuses: Object.fromEntries(Object.entries(statusCodeStats ?? {}).map(([status, { count }]) => [status, count])),
    connections,
    ...(rate === undefined ? {} : { rate }),
    durations: { count: result.requests.total, mean, p50, p90, p99, max }
  })
  process.removeAllListeners('disconnect')
  process.disconnect?.()
})
