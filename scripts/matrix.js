'use strict'

// npm run test:matrix                     tests under each Node.js line, and checks under Bun and Deno
// npm run test:matrix -- --only node24,bun
// npm run test:matrix -- --only newest    the newest line of Node.js

const { dirname, join } = require('node:path')
const { parseArgs } = require('node:util')
const { buildFaultAddon } = require('./lib/build.js')
const { run, start } = require('./lib/process.js')
const { NEWEST_LINE, RUNTIMES, installRuntime } = require('./lib/runtimes.js')
const { runtimeChecks } = require('./matrix/runtime-checks.js')
const { runFiles, sortFiles, testFiles } = require('./lib/test-runner.js')
const { setup } = require('./lib/setup.js')

const CHECK_TIMEOUT = 30_000
/** Selects the newest line of Node.js. */
const NEWEST = 'newest'

/** @typedef {import('./lib/test-runner.js').Verdict} Verdict */

start(async () => {
  const chosen = choose(process.argv.slice(2))
  await setup()
  const { failure } = await buildFaultAddon()
  if (failure !== undefined) throw new Error(failure)
  console.log(row(['runtime', 'version', 'passed', 'failed', 'skipped', 'seconds']))
  let code = 0
  for (const runtime of chosen) {
    const { path, version } = await installRuntime(runtime)
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
  const names = only.split(',').map(name => name.trim())
  const requested = names.map(name => (name === NEWEST ? `node${NEWEST_LINE}` : name))
  const unknown = requested.filter(name => RUNTIMES.every(runtime => runtime.name !== name))
  const known = [...RUNTIMES.map(({ name }) => name), NEWEST].join(', ')
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. Known: ${known}.`)
  return RUNTIMES.filter(({ name }) => requested.includes(name))
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
