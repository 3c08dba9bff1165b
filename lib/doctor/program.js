'use strict'

// The program under observation, as a child process.

const { spawn } = require('node:child_process')
const { join } = require('node:path')
const { setTimeout } = require('../internal/clock')
const { VARIABLE } = require('./settings')

/** @typedef {import('./settings').Settings} Settings */

const PRELOAD = join(__dirname, 'probe', 'preload.js')
/** Time that the program gets to end after SIGTERM, in milliseconds. */
const GRACE = 5000
/** Codes with which Windows and shells report Ctrl-C. */
const INTERRUPTED = [0xc000_013a, 130, 143]

class Program {
  #child
  #wasStopped = false
  /** Settles at the end of the program. */
  ended

  /**
   * @param {string[]} command
   * @param {Settings} settings
   */
  constructor([file, ...args], settings) {
    const isScript = process.platform === 'win32' && /^(?:npm|npx|pnpm|yarn)$/.test(file)
    this.#child = spawn(isScript ? `${file}.cmd` : file, args, {
      stdio: 'inherit',
      shell: isScript,
      env: {
        ...process.env,
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${quoted(PRELOAD)}`.trim(),
        [VARIABLE]: JSON.stringify(settings)
      }
    })
    /** @type {Promise<{ code: number | null, signal: NodeJS.Signals | null, error?: Error }>} */
    this.ended = new Promise(resolve => {
      this.#child.once('error', error => resolve({ code: null, signal: null, error }))
      this.#child.once('exit', (code, signal) => resolve({ code, signal }))
    })
  }

  /** Returns whether the program ended by a request: of the doctor, or by Ctrl-C. @param {Awaited<Program['ended']>} end */
  wasAsked({ code, signal }) {
    return this.#wasStopped || signal === 'SIGINT' || signal === 'SIGTERM' || INTERRUPTED.includes(code ?? 0)
  }

  /** Marks the end that follows as requested: Ctrl-C reaches the program too. */
  expectEnd() {
    this.#wasStopped = true
  }

  /** Ends the program: by SIGTERM, later by SIGKILL. */
  async stop() {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return this.ended
    this.#wasStopped = true
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE)
    const end = await this.ended
    timer.close()
    return end
  }

  kill() {
    this.#wasStopped = true
    this.#child.kill('SIGKILL')
  }
}

/** Quotes a path for NODE_OPTIONS. @param {string} path */
function quoted(path) {
  return `"${path.replace(/[\\"]/g, '\\$&')}"`
}

module.exports = { Program }
