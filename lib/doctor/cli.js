'use strict'

// The command line: `offloop doctor` and `offloop report`.

const { mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { FILES, textOf } = require('./formats')
const { exitCode, outcomes } = require('./gate')
const { judge } = require('./judge/judge')
const { USAGE, UsageError, parseOptions } = require('./options')
const { Run } = require('./run')

/**
 * @typedef {import('./options').Options} Options
 * @typedef {import('../../doctor').Report} Report
 */

/** Wrong use, or the program failed. */
const FAILED = 2

/** @param {string[]} args */
async function main(args) {
  try {
    process.exitCode = await run(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    log(error.message)
    log('offloop doctor --help shows the options')
    process.exitCode = FAILED
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
  throw new UsageError(`"${name}" is neither doctor nor report`)
}

/** @param {string[]} args */
async function doctor(args) {
  const options = parseOptions(args)
  if (options === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  const run = new Run(options, log)
  let interrupts = 0
  const onInterrupt = () => (interrupts++ === 0 ? run.interrupt() : run.kill())
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onInterrupt)
  const { facts, outcome, message } = await run.result()
  const judged = judge(facts, options)
  const result = { ...judged, conditions: outcomes(judged, options.fail) }
  write(options.isRedacted ? require('./report/json').redact(result) : result, options)
  if (message !== undefined) log(message)
  return outcome === 'failed' ? FAILED : exitCode(result)
}

/** Writes the HTML of a recorded report. @param {string[]} args */
async function report(args) {
  const at = args.findIndex(arg => arg === '-o' || arg === '--output')
  const directory = at === -1 ? 'offloop-doctor' : args[at + 1]
  const [file, ...others] = at === -1 ? args : args.filter((_, index) => index !== at && index !== at + 1)
  if (file === undefined || others.length > 0 || directory === undefined) {
    throw new UsageError('One file is expected, as in: offloop report doctor.json -o out')
  }
  let recorded
  try {
    recorded = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${/** @type {Error} */ (error).message}`)
  }
  if (recorded?.version !== 1 || !Array.isArray(recorded.findings))
    throw new UsageError(`${file} is not a report of the doctor`)
  writeFile(directory, 'html', recorded)
  return 0
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
    } else if (format === 'github') process.stdout.write(require('./report/github').github(report))
    else writeFile(directory, /** @type {import('./formats').Format} */ (format), report)
  }
}

/**
 * @param {string} directory
 * @param {import('./formats').Format} format
 * @param {Report} report
 */
function writeFile(directory, format, report) {
  const path = join(directory, FILES[format])
  mkdirSync(directory, { recursive: true })
  writeFileSync(path, textOf(format, report))
  log(`${format.padEnd(6)} ${format === 'html' ? pathToFileURL(path) : path}`)
}

/** @param {string} text */
function log(text) {
  process.stderr.write(`offloop: ${text}\n`)
}

module.exports = { main }
