'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { root } = require('./project-files')

const BIN = join(root, 'bin', 'offloop.js')

/**
 * Makes a folder with programs, and returns a function that runs the doctor in it.
 * @param {import('node:test').TestContext} t
 * @param {Record<string, string>} programs texts by file name
 */
function doctorOf(t, programs) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-doctor-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, code] of Object.entries(programs)) writeFileSync(join(folder, name), code)
  /**
   * Starts the doctor.
   * @param {string[]} args
   */
  const start = args => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: '0', NO_COLOR: '1' }
    })
    t.after(() => child.kill('SIGKILL'))
    /** Resolves once the doctor has written a text to the standard error. @param {string} expected */
    const written = async expected => {
      let seen = ''
      for await (const chunk of on(child.stderr)) {
        seen += chunk
        if (seen.includes(expected)) return
      }
      throw new Error(`The doctor has not written ${expected}, but ${seen}`)
    }
    return { child, written, result: resultOf(child, folder) }
  }
  const run = (/** @type {string[]} */ ...args) => start(args).result
  return { folder, run, start }
}

/**
 * Returns the chunks of a stream, which others read too.
 * @param {import('node:stream').Readable} stream
 */
async function* on(stream) {
  const ended = once(stream, 'end').then(() => undefined)
  for (;;) {
    const chunk = await Promise.race([once(stream, 'data'), ended])
    if (chunk === undefined) return
    yield String(chunk[0])
  }
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @param {string} folder
 */
async function resultOf(child, folder) {
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, output, errors, report: reportIn(folder) }
}

/**
 * @param {string} folder
 * @returns {import('../../doctor').Report | undefined}
 */
function reportIn(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'offloop-doctor', 'doctor.json'), 'utf8'))
  } catch {
    return undefined
  }
}

module.exports = { doctorOf }
