'use strict'

// How long a request that needs no work waits in a server under load.

const { withServer } = require('../../load/with-server.js')

/** Clients in a closed loop: each sends a request as soon as it has the last response. */
const CLIENTS = 8
/** Pings per second, sent by the clock: a late response delays none of them. */
const RATE = 200
const WARM_UP = 1.5
const SECONDS = 5

/**
 * @param {string} name
 * @returns {import('../../harness/case.js').Contender}
 */
function contender(name) {
  return {
    name,
    round: () =>
      withServer(name, async ({ port, startClients }) => {
        const [load, pings] = [startClients(), startClients()]
        const measure = (/** @type {number} */ seconds) =>
          Promise.all([
            load.ask('capacity', { port, seconds, clients: CLIENTS }),
            pings.ask('ping', { port, seconds, rate: RATE })
          ])
        await measure(WARM_UP)
        const [perSecond, times] = await measure(SECONDS)
        return { ...times, 'heavy requests': perSecond }
      }),
    // Each round warms up a new server.
    warm() {}
  }
}

/** @type {import('../../harness/case.js').Case} */
const ping = {
  name: 'ping',
  what: `GET /ping of a Fastify server while ${CLIENTS} clients request gzip of 1 MB`,
  reference: 'naive',
  measures: [
    { name: '/ping, p50', unit: 'ms' },
    { name: '/ping, p99', unit: 'ms', target: { of: 'ratio', atMost: 0.2 } },
    { name: 'heavy requests', unit: '/s', target: { of: 'ratio', atLeast: 1 } }
  ],
  open: () => ['offloop', 'naive', 'zlib.gzip', 'piscina'].map(contender)
}

module.exports = { cases: [ping] }
