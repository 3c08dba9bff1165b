'use strict'

// The command line: `offloop doctor` and `offloop report`.

const { accessSync, constants, mkdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
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
  if (options.formats.some(isFile)) makeDirectory(options.directory)
  const run = new Run(options, log)
  let interrupts = 0
  const onInterrupt = (/** @type {NodeJS.Signals} */ signal) => {
    // Ctrl-C in a terminal sends SIGINT to the program too.
    if (interrupts++ === 0) run.interrupt(signal === 'SIGINT' && process.stdin.isTTY)
    else run.kill()
  }
  for (const signal of SIGNALS) process.on(signal, onInterrupt)
  const { facts, outcome, message } = await run.result()
  const judged = judge(facts, options)
  const result = { ...judged, conditions: outcomes(judged, options.fail) }
  write(options.isRedacted ? require('./report/json').redact(result) : result, options)
  if (message !== undefined) log(message)
  return outcome === 'failed' ? FAILED : exitCode(result)
}

/** Writes the HTML page of a recorded report. @param {string[]} args */
function report(args) {
  const options = parseReportOptions(args)
  if (options === 'help') return help()
  const recorded = readReport(options.file)
  makeDirectory(options.directory)
  writeFile(options.directory, 'html', recorded)
  return 0
}

function help() {
  process.stdout.write(USAGE)
  return 0
}

/** Makes the directory of the reports. Fails before the run, whose report would be lost otherwise. @param {string} directory */
function makeDirectory(directory) {
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
  } catch (error) {
    throw new UsageError(`--output: "${directory}" cannot be written: ${/** @type {Error} */ (error).message}`)
  }
}

/**
 * @param {Report} report
 * @param {Options} options
 */
function write(report, { formats, directory }) {
  for (const format of formats) {
    if (format === 'terminal') {
      const { isTTY = false, columns } = process.stdout
      process.stdout.write(require('./report/terminal').terminal(report, { color: isTTY, columns }))
    } else if (isFile(format)) writeFile(directory, format, report)
    else process.stdout.write(require('./report/github').github(report))
  }
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
 * @param {string} directory
 * @param {Format} format
 * @param {Report} report
 */
function writeFile(directory, format, report) {
  const path = join(directory, FILES[format])
  writeFileSync(path, textOf(format, report))
  log(`${format.padEnd(6)} ${format === 'html' ? pathToFileURL(path) : path}`)
}

/** @param {string} text */
function log(text) {
  process.stderr.write(`offloop: ${text}\n`)
}

module.exports = { main }
