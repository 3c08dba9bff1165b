'use strict'

// `examine`: runs the doctor within the process that it measures.

const { writeFile } = require('node:fs/promises')
const { extname } = require('node:path')
const { inspect } = require('node:util')
const { checkInteger, checkOptions, invalidType, invalidValue } = require('../internal/validate')
const { caveatsOf, withCaveats } = require('./caveats')
const { factsOf } = require('./gather')
const { judge, ruleNames } = require('./judge/judge')
const { EXTENSIONS, textOf } = require('./formats')
const { MemoryJournal } = require('./probe/memory-journal')

/**
 * @typedef {import('../../doctor').ExamineOptions} ExamineOptions
 * @typedef {import('../../doctor').Examination} Examination
 * @typedef {import('../../doctor').ExaminedReport} ExaminedReport
 */

const NAMES = ['threshold', 'rules']
const [MIN_THRESHOLD, MAX_THRESHOLD] = [10, 60_000]
/** Interval of the CPU profile, in milliseconds. */
const PROFILE = 10

/**
 * @param {ExamineOptions} [options]
 * @returns {Promise<Examination>}
 */
async function examine(options = {}) {
  checkOptions(options, NAMES)
  const { threshold = 25, rules } = options
  checkInteger('options.threshold', threshold, MIN_THRESHOLD, MAX_THRESHOLD)
  if (rules !== undefined) checkRules(rules)
  const only = rules?.map(String)
  // Loaded here because it replaces functions of Node.js.
  const { Session } = require('./probe/session')
  const journal = new MemoryJournal()
  const session = new Session({ threshold, profileInterval: PROFILE }, () => journal)
  try {
    session.start()
    session.begin()
  } catch (error) {
    session.finish()
    throw error
  }
  /** @type {Promise<ExaminedReport> | undefined} */
  let report
  const end = async () => {
    session.finish()
    const messages = journal.messages()
    const fault = messages.find(({ type }) => type === 'fault')
    if (fault !== undefined) throw new Error(`A probe failed, so the report would be incomplete: ${fault.message}`)
    const facts = await factsOf([messages], process.argv.slice(1))
    const judged = withCaveats(judge(facts, { threshold, only }), caveatsOf(facts))
    return Object.defineProperty(/** @type {ExaminedReport} */ (judged), 'write', { value: write })
  }
  const stop = () => (report ??= end())
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** @param {unknown} rules */
function checkRules(rules) {
  if (!Array.isArray(rules)) throw invalidType('The "options.rules" property', 'an Array', rules)
  const names = ruleNames()
  // A hole of the array is `undefined`.
  const unknown = Array.from(rules).filter(rule => !names.includes(typeof rule === 'number' ? String(rule) : rule))
  if (rules.length > 0 && unknown.length === 0) return
  const received = inspect(rules.length === 0 ? rules : unknown[0])
  throw invalidValue(
    `The "options.rules" property must hold at least one of ${names.join(', ')}, and nothing else. Received ${received}`
  )
}

/**
 * Writes a report to a file, in the format of the extension.
 * @this {ExaminedReport}
 * @param {string} path
 */
async function write(path) {
  const format = EXTENSIONS[extname(path)]
  if (format === undefined) {
    throw invalidValue(`The file must end with ${Object.keys(EXTENSIONS).join(', ')}. Received '${path}'`)
  }
  await writeFile(path, textOf(format, this))
}

module.exports = { examine }
