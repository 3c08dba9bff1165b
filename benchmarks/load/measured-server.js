'use strict'

const { createServer } = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')
const { answer } = require('../../examples/traps/child.js')
const { cpuTime } = require('./cpu-time.js')

/**
 * Starts an HTTP server. The parent process sends the commands below.
 * @param {(response: import('node:http').ServerResponse) => void} respond
 */
function serve(respond) {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    respond(response)
  })

  answer({
    /** @returns {Promise<number>} the port */
    async listen() {
      await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
      return /** @type {import('node:net').AddressInfo} */ (server.address()).port
    },

    /** Measures the requests of some time. @param {{ seconds: number }} time */
    async measure({ seconds }) {
      const before = requests
      const begin = performance.now()
      const nanoseconds = await cpuTime(1, () => sleep(seconds * 1000))
      const count = requests - before
      const elapsed = (performance.now() - begin) / 1000
      return { requests: count / elapsed, 'CPU per request': nanoseconds / 1000 / count }
    }
  })
}

module.exports = { serve }
