'use strict'

const { join } = require('node:path')
const { Child } = require('../../examples/traps/child.js')

/**
 * @typedef {object} Running
 * @property {Child} server
 * @property {number} port
 * @property {() => Child} startClients starts a process of open-loop.js
 */

/**
 * Runs server and clients in separate processes, so that they do not share an event loop.
 * @template T
 * @param {string} name of the server's contender
 * @param {(running: Running) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withServer(name, work) {
  const server = new Child(join(__dirname, 'server.js'), [name])
  const children = [server]
  const startClients = () => {
    const clients = new Child(join(__dirname, 'open-loop.js'))
    children.push(clients)
    return clients
  }
  try {
    const port = await server.ask('listen')
    return await Promise.race([work({ server, port, startClients }), server.lost])
  } finally {
    await Promise.all(children.map(child => child.stop()))
  }
}

module.exports = { withServer }
