'use strict'

// The command line: `offloop doctor` and `offloop report`.

const { accessSync, constants, mkdirSync, statSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { version } = require('../../package.json')
const { caveatsOf, withCaveats } = require('./caveats')
const { FILES, textOf } = require('./formats')
const { exitCode, outcomes } = require('./gate')
const { judge } = require('./judge/judge')
const { USAGE, UsageError, parseOptions, parseReportOptions } = require('./options')
const { readReport } = require('./recorded')
const { Run } = require('./run')

/**
 * @typedef {import('./options').Options} Options
 * @typedef {import('./formats').Format} Format
 * @typedef {import('../../doctor').Report} Report
 */

/** Exit code of invalid usage, and of a program or load generator that failed. */
const FAILED = 2
/** Signals that end a run: Ctrl-C, the signal of supervisors, and the end of the terminal. */
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/** @param {string[]} args */
async function main(args) {
  // The pipe may be closed, as by `| head`, or the terminal may be gone: the files must be written anyway.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    process.exitCode = await run(args)
  } catch (error) {
    process.exitCode = FAILED
    if (!(error instanceof UsageError)) return log(String(/** @type {Error} */ (error).stack))
    log(error.message)
    log(`offloop ${args[0] === 'report' ? 'report' : 'doctor'} --help shows the options`)
  }
}

/** @param {string[]} args */
function run([name, ...args]) {
  if (name === 'doctor') return doctor(args)
  if (name === 'report') return report(args)
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(USAGE)
    return name === undefined ? FAILED : 0
  }
  throw new UsageError(`The commands are doctor and report, not "${name}"`)
}

/** @param {string[]} args */
async function doctor(args) {
  const options = parseOptions(args)
  if (options === 'help') return help()
  prepareFiles(options.directory, options.formats.filter(isFile))
  let interrupts = 0
  const onInterrupt = (/** @type {NodeJS.Signals} */ signal) => {
    // Ctrl-C in a terminal sends SIGINT to the program too.
    if (interrupts++ === 0) run.interrupt(signal === 'SIGINT' && process.stdin.isTTY)
    else run.kill()
  }
  // Before the program starts: a signal that comes meanwhile would end this process, but not the program.
  for (const signal of SIGNALS) process.on(signal, onInterrupt)
  const run = new Run(options, log)
  const { facts, outcome, message } = await run.result()
  const judged = withCaveats(judge(facts, options), caveatsOf(facts, message))
  const result = { ...judged, conditions: outcomes(judged, options.fail) }
  const isWritten = write(options.isRedacted ? require('./report/json').redact(result) : result, options)
  if (message !== undefined) log(message)
  return outcome === 'failed' || !isWritten ? FAILED : exitCode(result)
}

/** Writes the HTML page of a recorded report. @param {string[]} args */
function report(args) {
  const options = parseReportOptions(args)
  if (options === 'help') return help()
  const recorded = readReport(options.file)
  prepareFiles(options.directory, ['html'])
  return writeFile(options.directory, 'html', recorded) ? 0 : FAILED
}

function help() {
  process.stdout.write(USAGE)
  return 0
}

/**
 * Makes the directory of the reports, and checks their files. Fails before the run, whose report would be lost otherwise.
 * @param {string} directory
 * @param {Format[]} formats
 */
function prepareFiles(directory, formats) {
  if (formats.length === 0) return
  attempt(directory, () => {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
  })
  for (const format of formats) checkFile(join(directory, FILES[format]))
}

/** @param {string} path */
function checkFile(path) {
  const stats = attempt(path, () => statSync(path, { throwIfNoEntry: false }))
  if (stats === undefined) return
  if (stats.isDirectory()) throw new UsageError(`--output: "${path}" cannot be written: it is a directory`)
  attempt(path, () => accessSync(path, constants.W_OK))
}

/**
 * Calls a function that fails if a path cannot be written.
 * @template T
 * @param {string} path
 * @param {() => T} call
 * @returns {T}
 */
function attempt(path, call) {
  try {
    return call()
  } catch (error) {
    throw new UsageError(`--output: "${path}" cannot be written: ${/** @type {Error} */ (error).message}`)
  }
}

/**
 * Writes a report in all its formats. Returns whether all files were written.
 * @param {Report} report
 * @param {Options} options
 */
function write(report, { formats, directory }) {
  let isWritten = true
  for (const format of formats) {
    if (format === 'terminal') {
      const { isTTY = false, columns } = process.stdout
      process.stdout.write(require('./report/terminal').terminal(report, { color: isTTY, columns }))
    } else if (isFile(format)) isWritten = writeFile(directory, format, report) && isWritten
    else process.stdout.write(require('./report/github').github(report))
  }
  return isWritten
}

/**
 * Returns whether a format is written to a file.
 * @param {string} format
 * @returns {format is Format}
 */
function isFile(format) {
  return Object.hasOwn(FILES, format)
}

/**
 * Writes a report in a format. Returns whether the file was written.
 * @param {string} directory
 * @param {Format} format
 * @param {Report} report
 */
function writeFile(directory, format, report) {
  const path = join(directory, FILES[format])
  const text = textOf(format, report)
  try {
    writeFileSync(path, text)
  } catch (error) {
    log(`"${path}" cannot be written: ${/** @type {Error} */ (error).message}`)
    return false
  }
  log(`${format.padEnd(6)} ${format === 'html' ? pathToFileURL(path) : path}`)
  return true
}

/** @param {string} text */
function log(text) {
  process.stderr.write(`offloop: ${text}\n`)
}

module.exports = { main }
