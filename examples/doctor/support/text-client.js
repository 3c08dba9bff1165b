'use strict'

// A client that is part of the program: lines with a number and a key, and the answers with the same numbers.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')

class TextClient {
  /** @type {Map<string, (answer: any) => void>} */
  #waiting = new Map()
  #requests = 0
  #rest = ''
  #socket

  /** @param {number} port */
  constructor(port) {
    this.#socket = net.connect(port, '127.0.0.1').setEncoding('utf8')
    this.#socket.on('data', text => this.#receive(String(text)))
  }

  /** @param {string} key */
  get(key) {
    return this.#send(key)
  }

  /**
   * @param {string} key
   * @returns {Promise<any>}
   */
  #send(key) {
    return new Promise(resolve => {
      const id = String(this.#requests++)
      this.#waiting.set(id, resolve)
      this.#socket.write(`${id} ${key}\n`)
    })
  }

  /** @param {string} text */
  #receive(text) {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const end = line.indexOf(' ')
      this.#waiting.get(line.slice(0, end))?.(JSON.parse(line.slice(end + 1)))
      this.#waiting.delete(line.slice(0, end))
    }
  }
}

/** Starts the server of the package slow-database. */
async function connect() {
  const server = fork(require.resolve('slow-database/server.js'), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' }
  })
  const [port] = await once(server, 'message')
  server.unref()
  server.channel?.unref()
  return new TextClient(port)
}

module.exports = { connect }
