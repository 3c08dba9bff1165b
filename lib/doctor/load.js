'use strict'

// The load of a server: by autocannon in another process, or by the user's own command.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { setTimeout } = require('../internal/clock')
const { UsageError } = require('./options')

/**
 * @typedef {import('./options').Options} Options
 * @typedef {NonNullable<import('./facts').Facts['load']>} LoadFacts
 */

/** Returns the path of autocannon in the user's project, or throws a `UsageError`. */
function findAutocannon() {
  for (const from of [join(process.cwd(), 'package.json'), __filename]) {
    try {
      return createRequire(from).resolve('autocannon')
    } catch {
      // Not in this project.
    }
  }
  throw new UsageError(
    '--load needs autocannon: npm install --save-dev autocannon, or use --on-listen with another tool'
  )
}

/** Time that the load gets to end, in milliseconds. */
const FAREWELL = 2000

/** The load of a server. It goes on until it is stopped, a command until it ends. */
class Load {
  #child
  /** Settles at the end of the load. */
  ended

  /**
   * @param {Options} options
   * @param {string} url
   */
  constructor(options, url) {
    const { onListen } = options
    const env = { ...process.env, NODE_OPTIONS: '', OFFLOOP_URL: url }
    if (onListen === undefined) {
      this.#child = fork(join(__dirname, 'load-process.js'), {
        env,
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc']
      })
      const { load, connections, rate } = options
      this.#child.send({ autocannon: findAutocannon(), url, shots: load, connections, rate })
    } else {
      this.#child = spawn(onListen, { shell: true, env, stdio: 'inherit' })
    }
    this.ended = this.#wait()
  }

  /** Ends the load and waits for its figures. */
  async stop() {
    if (this.#child.connected) this.#child.send('stop')
    else this.#child.kill()
    await Promise.race([
      this.ended.catch(() => {}),
      new Promise(resolve => void setTimeout(() => resolve(undefined), FAREWELL).unref())
    ])
  }

  kill() {
    this.#child.kill()
  }

  /** @returns {Promise<LoadFacts | undefined>} */
  async #wait() {
    /** @type {LoadFacts | undefined} */
    let facts
    this.#child.on('message', message => {
      facts = /** @type {LoadFacts} */ (message)
    })
    const [code] = await once(this.#child, 'exit')
    if (code !== 0 && code !== null) throw new Error(`The load failed with exit code ${code}`)
    return facts
  }
}

module.exports = { Load, findAutocannon }
