'use strict'

// Runs a server under a tool, with the load of the doctor: autocannon in a process that has a lower priority.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync } = require('node:fs')
const { connect, createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { join, relative } = require('node:path')
const { text } = require('node:stream/consumers')
const { setTimeout: sleep } = require('node:timers/promises')
const { guiltyLine, optionsOf, root } = require('../../examples/doctor/support/corpus.js')

/**
 * @typedef {import('./rules').Observation} Observation
 * @typedef {import('./rules').Guilty} Guilty
 * @typedef {import('./tools').Tool} Tool
 * @typedef {import('../../examples/doctor/verdicts').Verdict} Verdict
 * @typedef {import('../../examples/doctor/verdicts').Requests} Requests
 */

const BIN = join(root, 'bin', 'offloop.js')
const LOAD = join(root, 'lib', 'doctor', 'load-process.js')
/** Seconds before the measurement, and measured, as in the doctor's run. */
const WARM_UP = 1
const SECONDS = 5
/** Longest times for the start of a server, for the end of a tool, and for a run of the doctor, in milliseconds. */
const PATIENCE = { start: 10_000, end: 40_000, doctor: 50_000 }
const LOOK = 50

/**
 * Returns the guilty line of a trap, with the path from the root.
 * @param {Verdict} verdict
 * @returns {Guilty | undefined}
 */
function guiltyOf(verdict) {
  const [expected] = verdict.findings
  if (expected === undefined) return undefined
  const { file = '', line } = guiltyLine(verdict, expected) ?? {}
  return { file: relative(root, file), line, function: expected.function }
}

/**
 * Calls a function with a temporary directory.
 * @template T
 * @param {(directory: string) => Promise<T>} use
 */
async function inDirectory(use) {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-peers-'))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
  }
}

/**
 * Examines a server with the doctor.
 * @param {Verdict} verdict
 * @returns {Promise<Observation>}
 */
function observeDoctor(verdict) {
  return inDirectory(async directory => {
    const options = [...optionsOf(verdict), '--warmup', String(WARM_UP), '--format', 'json', '-o', directory]
    const server = [process.execPath, join(root, 'examples', 'doctor', 'servers', verdict.file)]
    const child = spawn(process.execPath, [BIN, 'doctor', ...options, '--', ...server], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PATIENCE.doctor,
      env: { ...process.env, PORT: '0' }
    })
    const [errors] = await Promise.all([text(child.stderr), once(child, 'exit')])
    /** @type {import('../../doctor').Report | undefined} */
    const report = readReport(join(directory, 'doctor.json'))
    if (report === undefined) return { requests: 0, failure: failureOf(errors) }
    const findings = report.findings.filter(({ confidence }) => confidence !== 'possible')
    return {
      requests: report.requests,
      findings: findings.map(({ rule, id, confidence, function: name, file, line }) => {
        return { rule, id, confidence, function: name, file: relative(root, file), line }
      })
    }
  })
}

/** @param {string} path */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * Runs a server under another tool, ends it as Ctrl-C does, and reads the results of the tool.
 * @param {Tool} tool
 * @param {Verdict} verdict
 * @returns {Promise<Observation>}
 */
function observePeer(tool, verdict) {
  return inDirectory(async directory => {
    const port = await freePort()
    const { args, env } = tool.command(verdict, directory)
    const child = spawn(process.execPath, args, {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A new process group, so that its descendants can be killed with it.
      detached: true,
      env: { ...process.env, ...env, PORT: String(port) }
    })
    const errors = text(child.stderr)
    const exited = once(child, 'exit').then(() => 'exited')
    try {
      if (!(await listens(port, exited))) {
        signalGroup(child, 'SIGKILL')
        return { requests: 0, failure: failureOf(await errors) }
      }
      const { requests, from, to } = await load(/** @type {Requests} */ (verdict.load), port)
      signalGroup(child, 'SIGINT')
      const end = await Promise.race([exited, sleep(PATIENCE.end, 'late', { ref: false })])
      if (end === 'late') return { requests, failure: `did not end within ${PATIENCE.end / 1000} s` }
      const results = tool.read({ directory, from, to, guilty: guiltyOf(verdict) })
      if (results.failure === undefined) return { requests, ...results }
      return { requests, failure: `${results.failure}: ${failureOf(await errors)}` }
    } finally {
      signalGroup(child, 'SIGKILL')
    }
  })
}

/**
 * Sends a signal to a tool and the server, as a terminal does.
 * @param {import('node:child_process').ChildProcess} child
 * @param {'SIGINT' | 'SIGKILL'} signal
 */
function signalGroup({ pid }, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // All of its processes have ended.
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Waits until a port accepts connections. Returns whether it does.
 * @param {number} port
 * @param {Promise<string>} exited
 */
async function listens(port, exited) {
  for (let waited = 0; waited < PATIENCE.start; waited += LOOK) {
    if (await accepts(port)) return true
    if ((await Promise.race([exited, sleep(LOOK)])) === 'exited') return false
  }
  return false
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function accepts(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/**
 * Loads a server as the doctor does. Returns the time without the warm-up.
 * @param {Requests} load
 * @param {number} port
 */
async function load({ paths, connections, method = 'GET' }, port) {
  const child = fork(LOAD, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } })
  const results = once(child, 'message')
  const shots = paths.map(path => ({ method, path }))
  child.send({
    autocannon: require.resolve('autocannon'),
    address: { url: `http://127.0.0.1:${port}` },
    shots,
    connections
  })
  const from = Date.now() + WARM_UP * 1000
  await sleep((WARM_UP + SECONDS) * 1000)
  const to = Date.now()
  child.send('stop')
  const [{ requests }] = await results
  return { requests: Number(requests), from, to }
}

/** Returns the message of an error in an output, or its last line. @param {string} output */
function failureOf(output) {
  const lines = output.split('\n').filter(line => line.trim() !== '')
  const error = lines.find(line => /^\s*\w*Error: /.test(line))
  return (error ?? lines.at(-1) ?? 'no message').trim().slice(0, 120)
}

module.exports = { guiltyOf, observeDoctor, observePeer }
