'use strict'

// The cost of a watch of the event loop in a server at its full rate.

const { join } = require('node:path')
const { Child } = require('../../../examples/traps/child.js')
const { WATCHERS } = require('../../contenders/watchers.js')

const LOAD = join(__dirname, '..', '..', 'load')
const CONNECTIONS = 10
/** V8 compiles the server again and again for about a second, longer with a watch. */
const WARM_UP = 2
const SECONDS = 1

/**
 * @param {string} name
 * @returns {import('../../harness/case.js').Contender}
 */
function contender(name) {
  return {
    name,
    async round() {
      const server = new Child(join(LOAD, 'hello-server.js'), [name])
      const clients = new Child(join(LOAD, 'hello-clients.js'))
      try {
        const port = await server.ask('listen')
        await clients.ask('start', { port, connections: CONNECTIONS })
        await server.ask('measure', { seconds: WARM_UP })
        return await server.ask('measure', { seconds: SECONDS })
      } finally {
        // The clients would report an error if the server went first.
        await clients.stop()
        await server.stop()
      }
    },
    // Each round warms up a new server.
    warm() {}
  }
}

/** @type {import('../../harness/case.js').Case} */
const request = {
  name: 'watch-request',
  what: `a node:http server at its full rate, ${CONNECTIONS} connections`,
  reference: 'none',
  // The processes of one contender differ by a few per cent.
  rounds: 12,
  measures: [
    { name: 'requests', unit: '/s' },
    { name: 'CPU per request', unit: 'µs', target: { of: 'ratio', atMost: 1.01 } }
  ],
  open: () => Object.keys(WATCHERS).map(contender)
}

module.exports = { cases: [request] }
