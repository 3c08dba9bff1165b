'use strict'

// Generates the HTTP load of a server: with autocannon in another process, or with the user's command.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { now, setTimeout } = require('../internal/clock')
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
/** Time between two checks, in milliseconds. */
const LOOK = 50
const HAS_GROUPS = process.platform !== 'win32'

/** A load generator. autocannon runs until `stop`, a command until it exits. */
class Load {
  #child
  /** Whether the load generator has a process group. */
  #isGroup
  #isOver = false
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
    const env = { ...process.env, OFFLOOP_URL: textOf(address) }
    this.#isGroup = HAS_GROUPS && onListen !== undefined
    if (onListen === undefined) {
      this.#child = fork(join(__dirname, 'load-process.js'), {
        env: { ...env, NODE_OPTIONS: '' },
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc']
      })
      const { load, connections, rate } = options
      this.#child.send({ autocannon: findAutocannon(), address, shots: load, connections, rate })
    } else {
      // The command may start other processes: a process group can be ended as a whole.
      this.#child = spawn(onListen, { shell: true, env, stdio: 'inherit', detached: this.#isGroup })
    }
    this.ended = this.#wait()
  }

  /** Ends the load generator and waits for its figures. Kills a command after two seconds; autocannon may still send its figures. */
  async stop() {
    this.#wasStopped = true
    if (this.#child.connected) this.#child.send('stop')
    else this.#signal('SIGTERM')
    const began = now()
    while (this.#signal(0) && now() - began < FAREWELL) {
      await new Promise(resolve => void setTimeout(() => resolve(undefined), LOOK))
    }
    if (this.#isGroup) this.kill()
  }

  /** Ends the load generator without waiting. */
  kill() {
    this.#wasStopped = true
    this.#signal('SIGKILL')
  }

  /**
   * Sends a signal to the load generator: to a command together with the processes that the command has started. Returns whether any
   * process is left.
   * @param {NodeJS.Signals | 0} signal
   */
  #signal(signal) {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || this.#isOver) return false
    if (!this.#isGroup) return exitCode === null && signalCode === null && this.#child.kill(signal)
    try {
      return process.kill(-pid, signal)
    } catch {
      // All processes have ended, and the system may reuse the id.
      this.#isOver = true
      return false
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
