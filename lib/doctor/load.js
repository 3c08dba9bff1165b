'use strict'

// Generates the HTTP load of a server: with autocannon in another process, or with the user's command.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { setTimeout } = require('../internal/clock')
const { textOf } = require('./address')
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
      // It is not installed there.
    }
  }
  throw new UsageError(
    '--load needs autocannon: npm install --save-dev autocannon, or use --on-listen with another tool'
  )
}

/** Time that the load generator gets to end, in milliseconds. */
const FAREWELL = 2000
const HAS_GROUPS = process.platform !== 'win32'

/** A load generator. autocannon runs until `stop`, a command until it exits. */
class Load {
  #child
  #wasStopped = false
  /** @type {LoadFacts | undefined} */
  facts
  /** Why the load generator failed. @type {string | undefined} */
  failure
  /** Resolves when the load generator has ended. */
  ended

  /**
   * @param {Options} options
   * @param {import('./address').Address} address
   */
  constructor(options, address) {
    const { onListen } = options
    const env = { ...process.env, NODE_OPTIONS: '', OFFLOOP_URL: textOf(address) }
    if (onListen === undefined) {
      this.#child = fork(join(__dirname, 'load-process.js'), {
        env,
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc']
      })
      const { load, connections, rate } = options
      this.#child.send({ autocannon: findAutocannon(), address, shots: load, connections, rate })
    } else {
      // The command may start other processes: a process group can be ended as a whole.
      this.#child = spawn(onListen, { shell: true, env, stdio: 'inherit', detached: HAS_GROUPS })
    }
    this.ended = this.#wait()
  }

  /** Ends the load generator and waits for its figures. */
  async stop() {
    this.#wasStopped = true
    if (this.#child.connected) this.#child.send('stop')
    else this.kill()
    await Promise.race([
      this.ended,
      new Promise(resolve => void setTimeout(() => resolve(undefined), FAREWELL).unref())
    ])
  }

  kill() {
    this.#wasStopped = true
    const { pid, exitCode, signalCode, spawnfile } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const isGroup = HAS_GROUPS && spawnfile !== process.execPath
    try {
      process.kill(isGroup ? -pid : pid)
    } catch {
      // The process has just ended.
    }
  }

  /** @returns {Promise<'loaded'>} */
  async #wait() {
    this.#child.on('message', message => {
      this.facts = /** @type {LoadFacts} */ (message)
    })
    try {
      const [code, signal] = await once(this.#child, 'exit')
      const how = signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`
      if (code !== 0 && !this.#wasStopped) this.failure = `The load generator ${how}`
    } catch (error) {
      this.failure = `The load generator could not be started: ${/** @type {Error} */ (error).message}`
    }
    return 'loaded'
  }
}

module.exports = { Load, findAutocannon }
