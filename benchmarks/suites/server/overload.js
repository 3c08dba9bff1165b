'use strict'

// A server under four times its capacity.

const { MAX_WAIT } = require('../../load/server-limits.js')
const { withServer } = require('../../load/with-server.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const SECONDS = 20
const OVERLOAD = 4

/**
 * @param {'offloop' | 'naive'} name
 * @param {number} rate requests per second
 */
function contender(name, rate) {
  return {
    name,
    round: () =>
      withServer(name, async ({ server, port, startClients }) => {
        const clients = startClients()
        await clients.ask('capacity', { port, seconds: 2 })
        const before = await clients.ask('calm', { port })
        await server.ask('begin')
        const responses = await clients.ask('load', { port, rate, seconds: SECONDS })
        const usage = await server.ask('end')
        const recovery = await clients.ask('recovery', { port, before })
        return { ...responses, ...usage, ...recovery }
      })
  }
}

/** @type {Case} */
const overload = {
  name: 'overload',
  what: `Fastify, gzip of 1 MB for each request, under ${OVERLOAD} times its capacity for ${SECONDS} s`,
  once: true,
  measures: [
    { name: 'asked for', unit: '/s' },
    { name: 'good answers', unit: '/s' },
    { name: 'good answers, p99', unit: 'ms' },
    { name: 'longest wait in the queue', unit: 'ms', target: { of: 'value', atMost: MAX_WAIT } },
    { name: 'refused (503)', unit: '/s' },
    { name: 'refused, p99', unit: 'ms', target: { of: 'value', atMost: 50 } },
    { name: 'given up by clients', unit: '/s' },
    { name: 'memory after 5 s', unit: 'MB' },
    { name: 'memory at the end', unit: 'MB' },
    { name: 'memory growth', unit: '×', target: { of: 'value', atMost: 1.1 } },
    { name: 'recovery', unit: 'ms', target: { of: 'value', atMost: 1000 } }
  ],
  async open() {
    const capacity = await withServer('offloop', async ({ port, startClients }) => {
      const clients = startClients()
      await clients.ask('capacity', { port, seconds: 2 })
      return clients.ask('capacity', { port, seconds: 4 })
    })
    return [contender('offloop', capacity * OVERLOAD), contender('naive', capacity * OVERLOAD)]
  }
}

module.exports = { cases: [overload] }
