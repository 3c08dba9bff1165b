'use strict'

// A process that loads a server: some connections request the trap's paths and one requests /ping, each as soon as the last
// response has arrived.

const autocannon = require('autocannon')
const { createHistogram } = require('node:perf_hooks')
const { answer } = require('./child')
const { uploads } = require('./uploads')

/**
 * @typedef {object} Load
 * @property {number} port
 * @property {string[]} paths
 * @property {number} connections
 * @property {number} seconds at most
 * @property {number | undefined} [requests] at most
 * @property {number | undefined} [rate] requests per second at most
 * @property {number | undefined} [upload] bytes of a body to send with each request
 *
 * @typedef {object} Answered
 * @property {number} perSecond
 * @property {number} p50 milliseconds
 * @property {number} p99
 * @property {number} refused 503: the pool was full
 */

/** One client: more would take CPU time from the heavy work, which is measured too. */
const PINGS = 1

/** @param {Load} load */
async function load({ port, paths, connections, seconds, requests, rate, upload }) {
  // First, so that its connection does not wait behind those of the load.
  const ping = begin({ port, paths: ['/ping'], connections: PINGS, seconds })
  const heavy =
    upload === undefined
      ? begin({ port, paths, connections, seconds, requests, rate })
      : uploads({ port, path: paths[0], connections, seconds, bytes: upload })
  // Without `requests` both end at the same time.
  if (requests !== undefined) heavy.ended.then(ping.stop, ping.stop)
  const [heavyAnswered, pingAnswered] = await Promise.all([heavy.ended, ping.ended])
  return { heavy: heavyAnswered, ping: pingAnswered }
}

/**
 * @param {Load} load
 * @returns {{ ended: Promise<Answered>, stop: () => void }}
 */
function begin({ port, paths, connections, seconds, requests, rate }) {
  const micros = createHistogram()
  const statuses = new Map()
  const start = performance.now()
  const shots = autocannon({
    url: `http://127.0.0.1:${port}`,
    requests: paths.map(path => ({ path })),
    connections,
    ...(rate === undefined ? {} : { overallRate: rate }),
    ...(requests === undefined ? { duration: seconds } : { amount: requests }),
    // autocannon ends on a tick of this interval.
    sampleInt: 20,
    timeout: 30
  })
  shots.on('response', (_client, status, _bytes, milliseconds) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (status === 200) micros.record(Math.max(1, Math.round(milliseconds * 1000)))
  })
  const timer = setTimeout(shots.stop, seconds * 1000)

  const ended = shots.then(({ errors, timeouts }) => {
    clearTimeout(timer)
    if (errors > 0) throw new Error(`${errors} requests for ${paths[0]} failed, ${timeouts} of them timed out`)
    const refused = statuses.get(503) ?? 0
    const unexpected = [...statuses.keys()].find(status => status !== 200 && status !== 503)
    if (unexpected !== undefined) throw new Error(`${paths[0]} answered with status ${unexpected}`)
    const elapsed = performance.now() - start
    // Without any response, a request has waited at least for the whole time.
    if (micros.count === 0) return { perSecond: 0, p50: elapsed, p99: elapsed, refused }
    const perSecond = (micros.count / elapsed) * 1000
    return { perSecond, p50: micros.percentile(50) / 1000, p99: micros.percentile(99) / 1000, refused }
  })
  return { ended, stop: shots.stop }
}

answer({ load })
