'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { setTimeout } = require('node:timers/promises')
const { Inbox } = require('../../lib/doctor/inbox')
const { VARIABLE } = require('../../lib/doctor/settings')
const { root } = require('./project-files')

const PRELOAD = join(root, 'lib', 'doctor', 'probe', 'preload.js')

/**
 * Runs a program with the probes, which measure immediately.
 * @param {import('node:test').TestContext} t
 * @param {string} program text
 * @param {Partial<import('../../lib/doctor/settings').Settings>} [options]
 */
function probed(t, program, options = {}) {
  const inbox = new Inbox()
  inbox.command({ phase: 'measure', snapshots: 0 })
  const { directory } = inbox
  const settings = { directory, reader: process.pid, threshold: 25, profileInterval: 10, program: 'server', ...options }
  const child = spawn(process.execPath, ['--require', PRELOAD, '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, [VARIABLE]: JSON.stringify(settings) }
  })
  t.after(() => {
    child.kill('SIGKILL')
    inbox.remove()
  })
  const ended = Promise.all([text(child.stdout), once(child, 'exit')])
  return {
    /** Asks the probes to end. */
    finish: () => inbox.command({ phase: 'finish', snapshots: 0 }),
    /** Resolves with a message of the probes. @param {string} type */
    recorded: async type => {
      for (;;) {
        const message = inbox
          .read()
          .flat()
          .find(it => it.type === type)
        if (message !== undefined) return message
        if (child.exitCode !== null) throw new Error(`The program has ended without a message "${type}"`)
        await setTimeout(10)
      }
    },
    /** Calls the listeners of the standard input of the program. */
    goOn: () => child.stdin.write('go on'),
    /** Resolves with the output of the program, how it ended, and all messages of the probes. */
    end: async () => {
      const [output, [code, signal]] = await ended
      return { output, end: signal ?? code, messages: inbox.all().flat() }
    }
  }
}

module.exports = { probed }
