'use strict'

// Runs the JavaScript tests, each file in a new process. A file fails if it ran no test, exited early, hung, or skipped a test
// without a reason.

const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { delimiter, dirname, join, relative } = require('node:path')
const { root, run } = require('./process.js')

const PARALLEL_FILES = 2
const FILE_TIMEOUT = 120_000

/**
 * @typedef {object} Event
 * @property {string} type
 * @property {string} [name]
 * @property {number} [nesting]
 * @property {string | boolean} [skip]
 * @property {string | boolean} [todo]
 * @property {boolean} [suite]
 * @property {string} [error]
 * @property {string} [message]
 *
 * @typedef {{ passed: number, failed: number, skipped: number, problems: string[] }} Verdict
 */

/**
 * Sorts the files of the test folder by their runner.
 * @param {readonly string[]} files paths from the root, with slashes
 */
function sortFiles(files) {
  /** @type {{ tests: string[], types: string[], unmatched: string[] }} */
  const sorted = { tests: [], types: [], unmatched: [] }
  for (const file of files) {
    if (/\/(fixtures|support)\//.test(file)) continue
    if (/^__test__\/types\/[^/]+\.test-d\.ts$/.test(file)) sorted.types.push(file)
    else if (file.endsWith('.test.js')) sorted.tests.push(file)
    else sorted.unmatched.push(file)
  }
  return sorted
}

/** Lists the files of the test folder in a fixed order. */
function testFiles() {
  const folder = join(root, '__test__')
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}

/**
 * Turns the events of one file into a verdict.
 * @param {readonly Event[]} events
 * @param {{ code: number, timedOut: boolean }} outcome of its process
 * @returns {Verdict}
 */
function judge(events, { code, timedOut }) {
  /** @type {Verdict} */
  const verdict = { passed: 0, failed: 0, skipped: 0, problems: [] }
  /** @param {string} text */
  const problem = text => verdict.problems.push(text)
  const ended = events.some(event => event.type === 'end')

  for (const event of events) {
    if (event.type === 'fail') {
      if (!event.suite) verdict.failed++
      if (event.error !== undefined) problem(`${event.name}\n${event.error}`)
    } else if (event.type === 'pass') {
      if (event.skip === true || event.skip === '') problem(`${event.name}: skipped without a reason`)
      if (event.todo !== undefined && event.todo !== false) problem(`${event.name}: todo test`)
      if (event.suite) continue
      if (event.skip === undefined || event.skip === false) verdict.passed++
      else verdict.skipped++
    }
  }

  if (timedOut) problem(`hung and was killed; ${unfinished(events)}`)
  else if (!ended) problem('exited before its tests ended')
  else if (code !== 0 && verdict.failed === 0 && verdict.problems.length === 0) {
    problem([`exited with code ${code}`, ...remarks(events)].join('\n'))
  }
  if (verdict.passed + verdict.failed + verdict.skipped === 0) problem('ran no test')
  if (verdict.problems.length > 0 && verdict.failed === 0) verdict.failed = 1
  return verdict
}

/**
 * Lists the tests that started and did not end.
 * @param {readonly Event[]} events
 */
function unfinished(events) {
  const open = events.filter(event => event.type === 'dequeue')
  for (const { type, nesting, name } of events) {
    if (type !== 'pass' && type !== 'fail') continue
    const index = open.findIndex(event => event.nesting === nesting && event.name === name)
    if (index >= 0) open.splice(index, 1)
  }
  if (open.length > 0) return `unfinished: ${open.map(event => `'${event.name}'`).join(', ')}`
  return 'no test was running: the file keeps the process alive, or a test blocks the event loop'
}

/**
 * Returns the diagnostics of node:test without its totals.
 * @param {readonly Event[]} events
 */
function remarks(events) {
  const messages = events.flatMap(event => (event.type === 'diagnostic' ? [event.message ?? ''] : []))
  return messages.filter(
    message => !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message)
  )
}

/**
 * Runs one test file.
 * @param {string} file from the root
 * @param {{ runtime?: string | undefined, timeout?: number | undefined }} [options] `runtime` is the path of a Node.js
 * @returns {Promise<Verdict>}
 */
async function runFile(file, { runtime = process.execPath, timeout = FILE_TIMEOUT } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-test-'))
  const report = join(folder, 'events')
  const reporter = ['--test-reporter', join(root, 'scripts/lib/reporter.js'), '--test-reporter-destination', report]
  // NODE_TEST_CONTEXT, inherited from a test that runs this runner, would change the reported events. PATH makes programs that
  // a test starts by name (npm) run in the same Node.js.
  const env = { NODE_TEST_CONTEXT: undefined, PATH: dirname(runtime) + delimiter + process.env.PATH }
  const outcome = await run(runtime, [...reporter, join(root, file)], { env, timeout })
  const verdict = judge(parse(readReport(report)), outcome)
  rmSync(folder, { recursive: true })
  if (verdict.problems.length > 0 && outcome.output.trim()) verdict.problems.push(`its output:\n${outcome.output}`)
  return verdict
}

/** @param {string} path */
function readReport(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Parses the events of a report, whose last line may be truncated if its process was killed.
 * @param {string} text
 * @returns {Event[]}
 */
function parse(text) {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}

/**
 * Runs the files, some in parallel, and adds up their verdicts.
 * @param {readonly string[]} files
 * @param {{ runtime?: string | undefined }} [options] as for one file
 * @returns {Promise<Verdict>}
 */
async function runFiles(files, options) {
  /** @type {Verdict} */
  const all = { passed: 0, failed: 0, skipped: 0, problems: [] }
  const waiting = [...files]
  await Promise.all(
    Array.from({ length: PARALLEL_FILES }, async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const { passed, failed, skipped, problems } = await runFile(file, options)
        all.passed += passed
        all.failed += failed
        all.skipped += skipped
        all.problems.push(...problems.map(problem => `${file}: ${problem}`))
      }
    })
  )
  return all
}

module.exports = { judge, parse, runFile, runFiles, sortFiles, testFiles }
