'use strict'

const { spawn } = require('node:child_process')
const { join } = require('node:path')

const root = join(__dirname, '..', '..')
const windows = process.platform === 'win32'

/** Running commands, to be killed if this process is interrupted. */
const running = new Set()

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv | undefined} [env] added to the environment
 * @property {boolean} [show] pass the output through instead of keeping it
 * @property {number} [timeout] milliseconds after which the command and its descendants are killed
 *
 * @typedef {object} Outcome
 * @property {number} code 0 for success; never 0 after a kill or a failure to start
 * @property {string} output stdout and stderr in order of arrival, unless shown
 * @property {string} stdout
 * @property {boolean} timedOut
 */

/**
 * Runs a command without a shell and without stdin. Never rejects.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<Outcome>}
 */
function run(command, args, { cwd = root, env, show = false, timeout } = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
      // A new process group, so that a timeout also kills the command's descendants.
      detached: !windows,
      windowsHide: true
    })
    running.add(child)
    const outcome = { code: 1, output: '', stdout: '', timedOut: false }
    child.stdout?.setEncoding('utf8').on('data', text => {
      outcome.stdout += text
      outcome.output += text
    })
    child.stderr?.setEncoding('utf8').on('data', text => {
      outcome.output += text
    })
    const timer =
      timeout &&
      setTimeout(() => {
        outcome.timedOut = true
        kill(child)
      }, timeout)
    child.on('error', error => {
      outcome.output += `${command}: ${error.message}\n`
      finish(1)
    })
    child.on('close', (code, signal) => {
      if (signal) outcome.output += `${command} was ended by ${signal}\n`
      finish(code ?? 1)
    })

    /** @param {number} code */
    function finish(code) {
      clearTimeout(timer)
      running.delete(child)
      outcome.code = outcome.timedOut ? code || 1 : code
      resolve(outcome)
    }
  })
}

/**
 * Returns the failure of a command, if any.
 * @param {Outcome} outcome
 * @returns {{ failure?: string }}
 */
function resultOf({ code, output, timedOut }) {
  if (timedOut) return { failure: `${output}\nTimed out and was killed.` }
  return code === 0 ? {} : { failure: output }
}

/**
 * Kills a process and, if it leads a process group, its descendants.
 * @param {import('node:child_process').ChildProcess} child
 */
function kill(child) {
  try {
    if (windows || child.pid === undefined) child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The process has already ended.
  }
}

for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143]
])) {
  process.on(signal, () => {
    for (const child of running) kill(child)
    process.exit(code)
  })
}

/**
 * Returns the script of a tool in node_modules. Running it with Node avoids the shell and .cmd files.
 * @param {string} name of the package
 * @param {string} [bin] if the package has several
 */
function tool(name, bin) {
  const file = join(root, 'node_modules', name, 'package.json')
  const manifest = require(file)
  const path = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin ?? Object.keys(manifest.bin)[0]]
  return join(root, 'node_modules', name, path)
}

/**
 * Runs npm, preferably the one that runs this script.
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 */
function npm(args, options) {
  const path = process.env.npm_execpath
  if (path !== undefined && /npm-cli\.c?js$/.test(path)) return run(process.execPath, [path, ...args], options)
  return run(windows ? 'npm.cmd' : 'npm', args, options)
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`offloop: ${text}\n`)
}

/**
 * Runs a script's main function. Prints only the message of an error.
 * @param {() => Promise<number | void>} main resolves to the exit code, 0 by default
 */
function start(main) {
  main().then(
    code => {
      process.exitCode = code ?? 0
    },
    error => {
      process.stderr.write(`${error.message}\n`)
      process.exitCode = 1
    }
  )
}

module.exports = { kill, npm, resultOf, root, run, say, start, tool }
