'use strict'

// Parses the options of the command line.

const { existsSync, readFileSync } = require('node:fs')
const { extname } = require('node:path')
const { parseArgs } = require('node:util')
const { parseCondition } = require('./gate')
const { ruleNames } = require('./judge/judge')

/**
 * @typedef {import('./gate').Failure} Failure
 *
 * A request that autocannon repeats, with the media type of its body.
 * @typedef {{ method: string, path: string, body?: Buffer, type?: string }} Shot
 *
 * A finding to leave out of the report.
 * @typedef {{ rule: string, file: string, line: number, reason?: string }} Ignored
 *
 * @typedef {object} Options
 * @property {string[]} command
 * @property {Shot[]} load
 * @property {string | undefined} onListen command that generates the load
 * @property {number | undefined} seconds duration of the measurement, which otherwise ends with the program or its load generator
 * @property {boolean} isBatch whether the program has no server (`--for`)
 * @property {number} connections
 * @property {number | undefined} rate requests per second
 * @property {number} warmup in seconds
 * @property {number} threshold minimum duration of a block, in milliseconds
 * @property {Failure[]} fail
 * @property {boolean} hasFlame
 * @property {'auto' | 'off' | 'always'} heap
 * @property {string[] | undefined} only rules to check; all if undefined
 * @property {Ignored[]} ignore
 * @property {string[]} formats
 * @property {string} directory of the reports
 * @property {boolean} isRedacted
 */

/** Media types of bodies by the extension of their files: frameworks parse only bodies of a known type. */
const TYPES = new Map([
  ['.json', 'application/json'],
  ['.xml', 'application/xml'],
  ['.txt', 'text/plain']
])

/** Methods that autocannon sends, without CONNECT, which has no path. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/** Invalid arguments of the command line. */
class UsageError extends Error {}

const FORMATS = ['terminal', 'html', 'json', 'md', 'sarif', 'github']
const SUPPRESSIONS = '.offloop-doctor.json'
const DIRECTORY = 'offloop-doctor'

const USAGE = `Usage: offloop doctor [options] -- COMMAND [ARGUMENTS]
       offloop report FILE.json [-o DIRECTORY]
       offloop --version, -v

Runs a program, measures it under load, and names the traps it falls into.

  --load 'METHOD /path @file'  repeat this request with autocannon (GET /); may be given more than once
  -c, --connections NUMBER     connections of --load (100)
  -d, --duration SECONDS       duration of the measurement (20 with --load)
  -R, --rate NUMBER            requests per second of --load (as fast as possible)
  --on-listen COMMAND          generate the load with this command, at $OFFLOOP_URL; the run ends when it exits
  --for SECONDS                measure a program without a server
  --warmup SECONDS             time before the measurement (3; 0 with --for)
  --threshold MILLISECONDS     minimum duration of a block (25)
  --fail CONDITION             certain, likely (default), possible, none, or a figure such as 'block.p99>50ms', instead of the
                               default; may be given more than once
  --flame                      sample the CPU profile every millisecond, for a finer flame graph: 10 to 30 % more CPU time
  --heap auto|off|always       take heap snapshots (auto: if the heap grows); needs --load, -d or --for
  --only RULE,RULE             check only these rules
  --ignore RULE@file:line      leave a finding out; may be given more than once; see also ${SUPPRESSIONS}
  --format LIST                ${FORMATS.join(', ')} (terminal,html,json)
  -o, --output DIRECTORY       write the reports to this directory (offloop-doctor)
  --redact                     leave out map keys, and the arguments of calls and of the program
  -h, --help                   show this text

Exit codes: 0 no --fail condition met, 1 a condition met, 2 invalid usage or the program or its load failed, 3 inconclusive.
`

const OPTIONS = /** @type {const} */ ({
  load: { type: 'string', multiple: true },
  connections: { type: 'string', short: 'c' },
  duration: { type: 'string', short: 'd' },
  rate: { type: 'string', short: 'R' },
  'on-listen': { type: 'string' },
  for: { type: 'string' },
  warmup: { type: 'string' },
  threshold: { type: 'string' },
  fail: { type: 'string', multiple: true },
  flame: { type: 'boolean' },
  heap: { type: 'string' },
  only: { type: 'string' },
  ignore: { type: 'string', multiple: true },
  format: { type: 'string' },
  output: { type: 'string', short: 'o' },
  redact: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
})

/**
 * Reads the arguments of `offloop doctor`.
 * @param {string[]} args
 * @returns {Options | 'help'}
 */
function parseOptions(args) {
  const separator = args.indexOf('--')
  const own = separator === -1 ? args : args.slice(0, separator)
  const command = separator === -1 ? [] : args.slice(separator + 1)
  const { values, positionals } = parse(withDefaultOfLoad(own), OPTIONS)
  if (values.help) return 'help'
  if (positionals.length > 0)
    throw new UsageError(`"${positionals[0]}" must follow "--", as in: offloop doctor -- node server.js`)
  if (command.length === 0)
    throw new UsageError('The command of the program is missing, as in: offloop doctor -- node server.js')
  if (values.load !== undefined && values['on-listen'] !== undefined) {
    throw new UsageError('--load and --on-listen cannot be combined')
  }
  for (const option of /** @type {const} */ (['load', 'on-listen', 'duration'])) {
    if (values.for !== undefined && values[option] !== undefined)
      throw new UsageError(`--for is for programs without a server: it cannot be combined with --${option}`)
  }
  for (const option of /** @type {const} */ (['connections', 'rate'])) {
    if (values.load === undefined && values[option] !== undefined) throw new UsageError(`--${option} requires --load`)
  }
  const isBatch = values.for !== undefined
  const only = values.only?.split(',').map(rule => ruleName('--only', rule.trim()))
  const seconds = isBatch ? values.for : (values.duration ?? (values.load === undefined ? undefined : '20'))
  return {
    command,
    load: (values.load ?? []).map(parseShot),
    onListen: values['on-listen'],
    seconds: seconds === undefined ? undefined : number(isBatch ? '--for' : '--duration', seconds, 0.1, 86_400),
    isBatch,
    connections: integer('--connections', values.connections ?? '100', 1, 10_000),
    rate: values.rate === undefined ? undefined : integer('--rate', values.rate, 1, 1_000_000),
    warmup: number('--warmup', values.warmup ?? (isBatch ? '0' : '3'), 0, 3600),
    threshold: integer('--threshold', values.threshold ?? '25', 10, 60_000),
    fail: parseFailures(values.fail ?? ['likely']),
    hasFlame: values.flame === true,
    heap: heapOf(values.heap ?? 'auto', only),
    only,
    ignore: [...suppressions(), ...(values.ignore ?? []).map(text => parseIgnored('--ignore', text))],
    formats: parseFormats(values.format ?? 'terminal,html,json'),
    directory: values.output ?? DIRECTORY,
    isRedacted: values.redact === true
  }
}

/**
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} T
 * @param {string[]} args
 * @param {T} options
 */
function parse(args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message)
  }
}

/**
 * Reads the arguments of `offloop report`.
 * @param {string[]} args
 * @returns {{ file: string, directory: string } | 'help'}
 */
function parseReportOptions(args) {
  const { output, help } = OPTIONS
  const { values, positionals } = parse(args, { output, help })
  if (values.help) return 'help'
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0)
    throw new UsageError('One file is expected, as in: offloop report doctor.json -o out')
  return { file, directory: values.output ?? DIRECTORY }
}

/** Gives `--load` without a value the value `/`. @param {string[]} args */
function withDefaultOfLoad(args) {
  return args.flatMap((arg, index) => {
    const next = args[index + 1]
    return arg === '--load' && (next === undefined || next.startsWith('-')) ? [arg, '/'] : [arg]
  })
}

/** @param {string} text */
function parseShot(text) {
  const match = /^(?:([A-Za-z]+)\s+)?(\/\S*)(?:\s+@(.+))?$/.exec(text.trim())
  if (match === null)
    throw new UsageError(`--load takes a path such as "/" or "POST /upload @body.json", not "${text}"`)
  const [, method, path, file] = match
  if (method !== undefined && !METHODS.includes(method.toUpperCase())) {
    throw new UsageError(`--load: the methods are ${METHODS.join(', ')}, not "${method}"`)
  }
  const body = file === undefined ? undefined : readBody(file)
  const shot = { method: (method ?? (body === undefined ? 'GET' : 'POST')).toUpperCase(), path }
  if (file === undefined || body === undefined) return shot
  const type = TYPES.get(extname(file).toLowerCase())
  return type === undefined ? { ...shot, body } : { ...shot, body, type }
}

/** @param {string} file */
function readBody(file) {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`--load: the file "${file}" cannot be read: ${/** @type {Error} */ (error).message}`)
  }
}

/**
 * Returns of which heaps to take snapshots: of none by default if the only rule that needs them is not checked.
 * @param {string} text
 * @param {readonly string[] | undefined} only
 */
function heapOf(text, only) {
  const mode = oneOf('--heap', text, /** @type {const} */ (['auto', 'off', 'always']))
  const isNeeded = only?.some(rule => rule === '5' || rule === 'growth') ?? true
  return mode === 'auto' && !isNeeded ? 'off' : mode
}

/** @param {string} text */
function parseFormats(text) {
  return [...new Set(text.split(',').map(format => oneOf('--format', format.trim(), FORMATS)))]
}

/** @param {string[]} texts */
function parseFailures(texts) {
  return texts.map(text => {
    const failure = parseCondition(text)
    if (typeof failure === 'string') throw new UsageError(`--fail: ${failure}`)
    return failure
  })
}

/**
 * @param {string} where option or file that contains the text
 * @param {string} text
 * @returns {Ignored}
 */
function parseIgnored(where, text) {
  const match = /^([^@]+)@(.+):(\d+)$/.exec(text)
  if (match === null) throw new UsageError(`${where} takes RULE@file:line, not "${text}"`)
  return { rule: ruleName(where, match[1]), file: match[2], line: Number(match[3]) }
}

/**
 * @param {string} where option or file that contains the name
 * @param {string} name
 */
function ruleName(where, name) {
  const names = ruleNames()
  if (!names.includes(name)) throw new UsageError(`${where}: the rules are ${names.join(', ')}, not "${name}"`)
  return name
}

/** Returns the findings that the file of the project ignores. @returns {Ignored[]} */
function suppressions() {
  if (!existsSync(SUPPRESSIONS)) return []
  const wrong = (/** @type {string} */ why) => new UsageError(`${SUPPRESSIONS}: ${why}`)
  let entries
  try {
    entries = JSON.parse(readFileSync(SUPPRESSIONS, 'utf8'))
  } catch (error) {
    throw wrong(/** @type {Error} */ (error).message)
  }
  if (!Array.isArray(entries)) throw wrong('an array of { "ignore": "RULE@file:line", "reason": "…" } is expected')
  return entries.map((entry, index) => {
    const { ignore, reason } = Object(entry)
    if (typeof ignore !== 'string' || typeof reason !== 'string' || reason.trim() === '') {
      throw wrong(`entry ${index} needs "ignore" and "reason", both strings, not ${JSON.stringify(entry)}`)
    }
    return { ...parseIgnored(`${SUPPRESSIONS}: entry ${index}`, ignore), reason }
  })
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
function number(option, text, least, most) {
  const value = Number(text)
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`${option} takes a number from ${least} to ${most}, not "${text}"`)
  }
  return value
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
function integer(option, text, least, most) {
  const value = number(option, text, least, most)
  if (!Number.isInteger(value)) throw new UsageError(`${option} takes an integer, not "${text}"`)
  return value
}

/**
 * @template {string} T
 * @param {string} option
 * @param {string} text
 * @param {readonly T[]} values
 * @returns {T}
 */
function oneOf(option, text, values) {
  const value = values.find(it => it === text)
  if (value === undefined) throw new UsageError(`${option} takes ${values.join(', ')}, not "${text}"`)
  return value
}

module.exports = { USAGE, UsageError, parseOptions, parseReportOptions }
