'use strict'

// The report as JSON (schema.json), and its redaction.

/** @typedef {import('../../../doctor').Report} Report */
/** @typedef {import('../../../doctor').Finding} Finding */

const HIDDEN = '…'
/** Properties of the evidence whose strings stay, because they name parts of the program. In `text`, only excerpts are hidden. */
const PUBLIC = new Set(
  'text title id rule file kind cause emitter stream native systemCall request method route handler callee loop'.split(
    ' '
  )
)
/** A quotation. Quotation marks inside a word are apostrophes. */
const QUOTED = /(?<![\p{L}\p{N}])(["'])[\s\S]*?\1(?![\p{L}\p{N}])/gu
/** Minimum length of an excerpt that is also replaced inside words. */
const SHORT = 4
/** Paths of programs whose first argument is a script or a command. */
const RUNNERS = /(?:^|[\\/])(?:node|nodejs|npm|npx|yarn|pnpm|tsx|ts-node|nodemon|pm2-runtime)(?:\.(?:exe|cmd))?$/
/** A property in brackets in a retaining path. */
const BRACKETED = /\[(?!\d+\])[^\]]*\]/g

/** @param {Report} report */
function json(report) {
  return `${JSON.stringify(report, null, 2)}\n`
}

/**
 * Returns a copy without map keys, and without the arguments of calls and of the program. Names, file paths and routes stay.
 * @param {Report} report
 * @returns {Report}
 */
function redact(report) {
  const { command, findings, downstream, heap } = report
  return {
    ...report,
    command: redactCommand(command),
    findings: findings.map(redactFinding),
    downstream: downstream.map(it => ({ ...it, call: operationOf(it.call) })),
    heap: {
      ...heap,
      containers: heap.containers.map(it => ({
        ...it,
        name: redactPath(it.name),
        path: redactPath(it.path)
      }))
    }
  }
}

/** Keeps the program and, if that runs scripts, the script. @param {string[]} command */
function redactCommand(command) {
  const count = RUNNERS.test(command[0] ?? '') ? 2 : 1
  return command.map((argument, index) => (index < count && !isOption(argument) ? argument : HIDDEN))
}

/** @param {string} argument */
function isOption(argument) {
  return argument.startsWith('-') || argument.includes('=') || /\s/.test(argument)
}

/** Keeps the operation of a call, such as `SELECT`. @param {string} call */
function operationOf(call) {
  const operation = /^\w+/.exec(call)?.[0] ?? ''
  return operation === call ? call : `${operation} ${HIDDEN}`.trimStart()
}

/**
 * @param {Finding} finding
 * @returns {Finding}
 */
function redactFinding(finding) {
  /** @type {string[]} */
  const excerpts = []
  collect(finding.evidence, '', excerpts)
  // Longer excerpts first, since an excerpt may contain another one.
  excerpts.sort((one, other) => other.length - one.length)
  const { name, title } = finding
  return {
    ...finding,
    title: redactPath(title),
    ...(name !== undefined && { name: redactPath(name) }),
    evidence: /** @type {Finding['evidence']} */ (redactValue(finding.evidence, '', excerpts))
  }
}

/**
 * Collects the strings to hide.
 * @param {unknown} value
 * @param {string} key
 * @param {string[]} excerpts
 */
function collect(value, key, excerpts) {
  if (typeof value === 'string' && value !== '' && key !== 'path' && !PUBLIC.has(key)) excerpts.push(value)
  if (typeof value !== 'object' || value === null) return
  for (const [name, it] of Object.entries(value)) collect(it, Array.isArray(value) ? key : name, excerpts)
}

/**
 * @param {unknown} value
 * @param {string} key
 * @param {readonly string[]} excerpts
 * @returns {unknown}
 */
function redactValue(value, key, excerpts) {
  if (typeof value === 'string') return redactString(value, key, excerpts)
  if (Array.isArray(value)) return value.map(it => redactValue(it, key, excerpts))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, redactValue(it, name, excerpts)]))
}

/**
 * @param {string} value
 * @param {string} key
 * @param {readonly string[]} excerpts
 */
function redactString(value, key, excerpts) {
  if (key === 'text') return excerpts.reduce(hide, value).replace(QUOTED, `$1${HIDDEN}$1`)
  if (key === 'path') return redactPath(value)
  return PUBLIC.has(key) || value === '' ? value : HIDDEN
}

/** Hides the properties of a retaining path that may be keys. @param {string} path */
function redactPath(path) {
  return path.replace(BRACKETED, `[${HIDDEN}]`)
}

/**
 * @param {string} text
 * @param {string} excerpt
 */
function hide(text, excerpt) {
  if (excerpt.length >= SHORT) return text.replaceAll(excerpt, HIDDEN)
  const escaped = excerpt.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'gu'), HIDDEN)
}

module.exports = { json, redact }
