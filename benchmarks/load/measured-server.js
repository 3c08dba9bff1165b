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
  let onRequest = () => {}
  const server = createServer((_request, response) => {
    requests++
    onRequest()
    respond(response)
  })

  answer({
    /** @returns {Promise<number>} the port */
    async listen() {
      await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
      return /** @type {import('node:net').AddressInfo} */ (server.address()).port
    },

    /**
     * Measures the requests of at least some time, up to a multiple of a number: clients whose requests are answered together would
     * otherwise be measured in different phases.
     * @param {{ seconds: number, multiple?: number }} time
     */
    async measure({ seconds, multiple = 1 }) {
      const before = requests
      const begin = performance.now()
      const nanoseconds = await cpuTime(1, async () => {
        await sleep(seconds * 1000)
        await new Promise(resolve => {
          onRequest = () => {
            if ((requests - before) % multiple === 0) resolve(undefined)
          }
        })
      })
      onRequest = () => {}
      const count = requests - before
      const elapsed = (performance.now() - begin) / 1000
      return { requests: count / elapsed, 'CPU per request': nanoseconds / 1000 / count }
    }
  })
}

module.exports = { serve }
