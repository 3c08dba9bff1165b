'use strict'

// The tools that are compared: how each runs a server, and its results as an observation.

const { existsSync, mkdirSync, readFileSync, readdirSync } = require('node:fs')
const { delimiter, dirname, join } = require('node:path')
const { npm, root } = require('../../scripts/lib/process.js')
const { sourceOf } = require('../../examples/doctor/support/corpus.js')
const { EXTENSION, VARIABLE } = require('./preload.js')
const { summarize } = require('./rules.js')

/**
 * @typedef {import('./rules').Observation} Observation
 * @typedef {import('./rules').Guilty} Guilty
 * @typedef {import('../../examples/doctor/verdicts').Verdict} Verdict
 *
 * Arguments of `node`, and variables of the environment.
 * @typedef {{ args: string[], env: NodeJS.ProcessEnv }} Command
 *
 * @typedef {object} Tool
 * @property {string} version
 * @property {(verdict: Verdict, directory: string) => Command} command runs the server
 * @property {(context: Context) => Omit<Observation, 'requests'>} read returns the results, after the end
 *
 * `from`, `to`: the load without its warm-up.
 * @typedef {{ directory: string, from: number, to: number, guilty: Guilty | undefined }} Context
 */

/** Packages that are too big for benchmarks/package.json. The script installs them, without their scripts. */
const LARGE = { clinic: '13.0.0', '0x': '6.0.0' }
const FOLDER = join(root, 'target', 'peers')
/** Milliseconds, as in the doctor. */
const THRESHOLD = 25
const SERVERS = join(root, 'examples', 'doctor', 'servers')

/** Installs the large packages, if they are missing. */
async function installLarge() {
  const missing = Object.entries(LARGE).filter(([name, version]) => versionIn(FOLDER, name) !== version)
  if (missing.length === 0) return
  mkdirSync(FOLDER, { recursive: true })
  const specs = Object.entries(LARGE).map(([name, version]) => `${name}@${version}`)
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
  const { code, output } = await npm(['install', '--prefix', FOLDER, ...quiet, ...specs], { cwd: FOLDER })
  if (code !== 0) throw new Error(`${specs.join(' and ')} could not be installed:\n${output}`)
}

/**
 * @param {string} folder
 * @param {string} name
 */
function versionIn(folder, name) {
  const path = join(folder, 'node_modules', name, 'package.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : undefined
}

/**
 * Returns the script of a large package.
 * @param {keyof typeof LARGE} name
 */
function scriptOf(name) {
  const folder = join(FOLDER, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : bin[name])
}

/** These tools run a `node` of the path. */
const onPath = () => ({ PATH: dirname(process.execPath) + delimiter + process.env.PATH })

/**
 * Returns the files below a directory.
 * @param {string} directory
 * @param {RegExp} pattern
 */
function filesIn(directory, pattern) {
  const names = /** @type {string[]} */ (readdirSync(directory, { recursive: true }))
  return names.filter(name => pattern.test(name)).map(name => join(directory, name))
}

/** The page of clinic doctor has its category among its data. @type {Tool} */
const clinic = {
  version: LARGE.clinic,
  command: (verdict, directory) => ({
    args: [scriptOf('clinic'), 'doctor', '--open=false', '--dest', directory, '--', 'node', sourceOf(verdict)],
    // Without it clinic waits for a consent, and exits without a report.
    env: { ...onPath(), NO_INSIGHT: '1' }
  }),
  read({ directory }) {
    const [page] = filesIn(directory, /\.clinic-doctor\.html$/)
    if (page === undefined) return { failure: 'no report' }
    const category = /issueCategory"?:\s*"([\w-]+)"/.exec(readFileSync(page, 'utf8'))?.[1]
    return category === undefined ? { failure: 'a report without a category' } : { category }
  }
}

/** @type {Tool} */
const zeroX = {
  version: LARGE['0x'],
  command: (verdict, directory) => ({
    args: [scriptOf('0x'), '--write-ticks', '--output-dir', join(directory, 'graph'), '--', 'node', sourceOf(verdict)],
    env: onPath()
  }),
  read({ directory, guilty }) {
    const [page] = filesIn(directory, /flamegraph\.html$/)
    const [ticks] = filesIn(directory, /ticks\.json$/)
    if (page === undefined || ticks === undefined) return { failure: 'no graph' }
    /** @type {{ name: string }[][]} */
    const stacks = JSON.parse(readFileSync(ticks, 'utf8'))
    const isGuilty = (/** @type {{ name: string }} */ { name }) =>
      name.replace(/^[~*^+]/, '').split(' ')[0] === guilty?.function
    return {
      graph: { share: stacks.length === 0 ? 0 : stacks.filter(stack => stack.some(isGuilty)).length / stacks.length }
    }
  }
}

/**
 * A package that reports blocks, in the program.
 * @param {string} watcher
 * @param {string} name of the package
 * @returns {Tool}
 */
function watcher(watcher, name = watcher) {
  return {
    version: versionIn(join(root, 'benchmarks'), name) ?? 'unknown',
    command: (verdict, directory) => ({
      args: ['--require', join(__dirname, 'preload.js'), sourceOf(verdict)],
      env: { [VARIABLE]: JSON.stringify({ watcher, threshold: THRESHOLD, directory }) }
    }),
    read({ directory, from, to, guilty }) {
      const files = filesIn(directory, new RegExp(`\\${EXTENSION}$`))
      if (files.length === 0) return { failure: 'no reports' }
      const reports = files.flatMap(file => JSON.parse(readFileSync(file, 'utf8')))
      return { stacks: summarize(reports, { from, to }, guilty, frame => frame.includes(SERVERS)) }
    }
  }
}

/** The other tools. @type {Record<string, Tool>} */
const PEERS = {
  'clinic doctor': clinic,
  '0x': zeroX,
  'blocked-at': watcher('blocked-at'),
  'node-native-stacktrace': watcher('node-native-stacktrace', '@sentry-internal/node-native-stacktrace')
}

module.exports = { PEERS, installLarge }
