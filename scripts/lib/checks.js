'use strict'

// Every check of the project in order: quick ones first, then those that reuse the output of earlier ones.

const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { LOCKED, buildFaultAddon } = require('./build.js')
const { resultOf, root, run, tool } = require('./process.js')
const { runFiles, sortFiles, testFiles } = require('./test-runner.js')

const MINUTE = 60_000
const CORE = ['--no-default-features']

/**
 * @typedef {object} Result
 * @property {string} [failure] reason with the relevant output
 * @property {number} [passed] tests, if the check has any
 * @property {number} [failed]
 * @property {number} [skipped]
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {'rust' | 'js' | 'types' | 'package'} group
 * @property {boolean} [needsAddon] whether the addon is built before it, if necessary
 * @property {() => Promise<Result>} run
 */

/** `offloop/watch/auto` is a program for `node -r`, without exports. */
const ATTW = ['--pack', '.', '--exclude-entrypoints', './watch/auto']

/** Code of the browser, whose types are others. */
const PAGE = join(root, 'lib', 'doctor', 'report', 'page')

/** @type {readonly Check[]} */
const checks = [
  { name: 'rustfmt', group: 'rust', run: () => cargo(['fmt', '--check']) },
  { name: 'biome', group: 'js', run: biome },
  { name: 'binding', group: 'package', needsAddon: true, run: binding },
  { name: 'tsc', group: 'types', needsAddon: true, run: tsc },
  { name: 'tsc page', group: 'types', run: () => node(tool('typescript', 'tsc'), ['--noEmit', '-p', PAGE]) },
  { name: 'tsd', group: 'types', run: tsd },
  { name: 'typedoc', group: 'types', run: () => node(tool('typedoc'), ['--emit', 'none']) },
  { name: 'publint', group: 'package', needsAddon: true, run: () => node(tool('publint'), ['--strict']) },
  { name: 'attw', group: 'package', needsAddon: true, run: () => node(tool('@arethetypeswrong/cli'), ATTW) },
  { name: 'clippy', group: 'rust', run: () => clippy([]) },
  { name: 'clippy core', group: 'rust', run: () => clippy(CORE) },
  { name: 'cargo doc', group: 'rust', run: doc },
  { name: 'cargo test', group: 'rust', run: () => cargoTest([]) },
  { name: 'cargo test core', group: 'rust', run: () => cargoTest(CORE) },
  { name: 'loom', group: 'rust', run: () => cargoTest([...CORE, '--features', 'loom', '--lib', 'loom']) },
  { name: 'fault addon', group: 'js', run: buildFaultAddon },
  { name: 'node', group: 'js', needsAddon: true, run: () => nodeTests() }
]

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function cargo(args, env) {
  return resultOf(await run('cargo', args, { env, timeout: 8 * MINUTE }))
}

/**
 * @param {string} script
 * @param {readonly string[]} args
 */
async function node(script, args) {
  return resultOf(await run(process.execPath, [script, ...args], { timeout: 3 * MINUTE }))
}

/** @param {readonly string[]} features */
function clippy(features) {
  return cargo(['clippy', ...LOCKED, '--all-targets', ...features, '--', '-D', 'warnings'])
}

/** Documents only the core, for speed, including private items. */
function doc() {
  return cargo(['doc', ...LOCKED, '--no-deps', '--document-private-items', ...CORE], { RUSTDOCFLAGS: '-D warnings' })
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<Result>}
 */
async function cargoTest(args) {
  const outcome = await run('cargo', ['test', ...LOCKED, ...args], { timeout: 10 * MINUTE })
  const counts = countCargoTests(outcome.output)
  const { failure } = resultOf(outcome)
  if (failure !== undefined) return { ...counts, failed: Math.max(counts.failed, 1), failure }
  if (counts.passed === 0) return { failure: `No test ran.\n${outcome.output}` }
  return counts
}

/**
 * Adds up the result lines of the test binaries.
 * @param {string} output
 */
function countCargoTests(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [, passed, failed, ignored] of output.matchAll(/(\d+) passed; (\d+) failed; (\d+) ignored/g)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  return counts
}

async function biome() {
  const outcome = await run(process.execPath, [tool('@biomejs/biome'), 'ci', '--colors=off', '.'])
  const checked = Number(/Checked (\d+) file/.exec(outcome.output)?.[1] ?? 0)
  return checked > 0 ? resultOf(outcome) : { failure: `Biome checked no files.\n${outcome.output}` }
}

/** Compares the generated types of the addon with the committed ones. */
async function binding() {
  const file = 'lib/native/binding.d.ts'
  if (!existsSync(join(root, file))) return { failure: `The build (npm run build) should have generated ${file}.` }
  const inGit = await run('git', ['rev-parse', '--is-inside-work-tree'])
  // An exported tree has no commit to compare with.
  if (inGit.code !== 0) return {}
  const tracked = await run('git', ['ls-files', '--error-unmatch', file])
  if (tracked.code !== 0) return { failure: `Commit the generated file:\n${tracked.output}` }
  const { code, output } = await run('git', ['diff', '--exit-code', '--', file])
  return code === 0 ? {} : { failure: `The build changed the binding; stage it with your change.\n${output}` }
}

async function tsc() {
  const outcome = await run(process.execPath, [tool('typescript', 'tsc'), '--noEmit', '--checkJs', '--listFiles'])
  const own = outcome.stdout.split('\n').filter(line => line.endsWith('.js') && !line.includes('/node_modules/'))
  if (outcome.code === 0) return own.length > 0 ? {} : { failure: 'tsc checked no JavaScript files.' }
  const errors = outcome.output.split('\n').filter(line => !/^([A-Z]:)?\/.*\.(js|ts|mts|cts|json)$/.test(line))
  return { failure: errors.join('\n') }
}

/** @returns {Promise<Result>} */
async function tsd() {
  const files = sortFiles(testFiles()).types
  const assertion = /^\s*expect(Type|NotType|Assignable|NotAssignable|Error|Deprecated|NotDeprecated|Never)\b/gm
  const passed = files
    .map(file => readFileSync(join(root, file), 'utf8').match(assertion)?.length ?? 0)
    .reduce((sum, count) => sum + count, 0)
  if (passed === 0) return { failure: 'No assertions found in __test__/types/*.test-d.ts.' }
  const outcome = await node(
    tool('tsd'),
    files.flatMap(file => ['--files', file])
  )
  return outcome.failure === undefined ? { passed } : { ...outcome, failed: 1 }
}

/**
 * @param {readonly string[]} [only] test files to run instead of all
 * @returns {Promise<Result>}
 */
async function nodeTests(only) {
  const { tests, unmatched } = sortFiles(testFiles())
  if (unmatched.length > 0) {
    return {
      failure: `No runner for these files; name them *.test.js or move them to support/:\n${unmatched.join('\n')}`
    }
  }
  if (tests.length === 0) return { failure: 'No files match __test__/**/*.test.js.' }
  const { problems, ...counts } = await runFiles(only ?? tests)
  return problems.length === 0 ? counts : { ...counts, failure: problems.join('\n\n') }
}

module.exports = { checks, countCargoTests, nodeTests }
