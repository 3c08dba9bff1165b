'use strict'

// Starts and ends the measured program.

const { spawn } = require('node:child_process')
const { join } = require('node:path')
const { setTimeout } = require('../internal/clock')
const { VARIABLE } = require('./settings')

/** @typedef {import('./settings').Settings} Settings */

const PRELOAD = join(__dirname, 'probe', 'preload.js')
/** Time that the program gets to end after a signal, in milliseconds. */
const GRACE = 5000

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: Error }} End */

class Program {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** Whether the doctor or Ctrl-C has requested the end of the program, which then is not a failure. */
  wasAsked = false
  #isSignalled = false
  /** Resolves when the program has ended. */
  ended

  /**
   * @param {string[]} command
   * @param {Settings} settings
   */
  constructor(command, settings) {
    /** @type {Promise<End>} */
    this.ended = new Promise(resolve => {
      const fail = (/** @type {Error} */ error) => resolve({ code: null, signal: null, error })
      try {
        this.#child = start(command, settings)
        this.#child.once('error', fail)
        this.#child.once('exit', (code, signal) => resolve({ code, signal }))
      } catch (error) {
        fail(/** @type {Error} */ (error))
      }
    })
  }

  /** Id of the process, until it has ended. */
  get pid() {
    const child = this.#child
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined
  }

  /**
   * Marks the end of the program as requested.
   * @param {boolean} isSignalled whether the program has received the signal too, as for Ctrl-C in a terminal
   */
  expectEnd(isSignalled) {
    this.wasAsked = true
    this.#isSignalled = isSignalled
  }

  /** Ends the program by SIGTERM, after five seconds by SIGKILL. A program that has received Ctrl-C gets five seconds before SIGTERM. */
  async stop() {
    const child = this.#child
    if (child === undefined || this.pid === undefined) return this.ended
    this.wasAsked = true
    if (this.#isSignalled) await Promise.race([this.ended, pause(GRACE)])
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE)
    const end = await this.ended
    timer.close()
    return end
  }

  kill() {
    this.wasAsked = true
    this.#child?.kill('SIGKILL')
  }
}

/**
 * @param {string[]} command
 * @param {Settings} settings
 */
function start([file, ...args], settings) {
  const isScript = process.platform === 'win32' && /^(?:npm|npx|pnpm|yarn)$/.test(file)
  return spawn(isScript ? `${file}.cmd` : file, args, {
    stdio: 'inherit',
    shell: isScript,
    env: environmentOf(settings)
  })
}

/** @param {number} ms */
function pause(ms) {
  return new Promise(resolve => void setTimeout(() => resolve(undefined), ms).unref())
}

/**
 * Returns the environment variables that load the probes into a program.
 * @param {Settings} settings
 * @returns {NodeJS.ProcessEnv}
 */
function environmentOf(settings) {
  return {
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${quoted(PRELOAD)}`.trim(),
    [VARIABLE]: JSON.stringify(settings)
  }
}

/** Quotes a path for NODE_OPTIONS. @param {string} path */
function quoted(path) {
  return `"${path.replace(/[\\"]/g, '\\$&')}"`
}

module.exports = { Program, environmentOf }
