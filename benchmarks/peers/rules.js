'use strict'

// The rules by which an observation of a tool becomes a cell of the table. They are lenient towards the other tools: a category that
// can be defended is right, and of stacks half have to name the guilty function.

/**
 * @typedef {import('../../examples/doctor/verdicts').Verdict} Verdict
 *
 * The position of the guilty line; `line` is undefined if the verdict has none.
 * @typedef {{ file: string, line: number | undefined, function: string | undefined }} Guilty
 *
 * Results of a tool on one server. `findings`: at least likely. `category`: of clinic doctor. `graph`: of 0x, with the share of the
 * samples that have the guilty function on their stack. `stacks`: reports of blocks during the load, the number of those that contain
 * the guilty line and function, and the commonest innermost frame of the program. `failure`: the tool or the server did not run.
 * @typedef {object} Observation
 * @property {number} requests
 * @property {Pick<import('../../doctor').Finding, 'rule' | 'id' | 'confidence' | 'function' | 'file' | 'line'>[]} [findings]
 * @property {string} [category]
 * @property {{ share: number }} [graph]
 * @property {{ count: number, line: number, function: number, commonest: string }} [stacks]
 * @property {string} [failure]
 *
 * `line`: the guilty line. `function`: the guilty function, with another line or none. `category`: a category that fits the trap.
 * `graph`: a picture that a person has to judge. `nothing`: no verdict. `wrong`: an accusation of another line or category, or of a
 * healthy server. `failed`: no result.
 * @typedef {'line' | 'function' | 'category' | 'graph' | 'nothing' | 'wrong' | 'failed'} Outcome
 *
 * @typedef {{ outcome: Outcome, text: string }} Cell
 */

/** Categories of clinic doctor that fit the finding of a trap. None fits too many processes. @type {Record<string, string[]>} */
const FITTING = {
  race: ['io'],
  listeners: ['gc'],
  'work-in-write': ['event-loop'],
  'await-loop': ['event-loop'],
  growth: ['gc'],
  handler: ['event-loop'],
  processes: [],
  'worker-per-request': ['event-loop', 'io']
}
/** Categories without an accusation: no issue, too few data, and several issues without a common cause. */
const UNDECIDED = ['none', 'data', 'unknown']
const RIGHT = new Set(['line', 'function', 'category'])

/**
 * @param {Verdict} verdict
 * @param {Observation} observation
 * @param {Guilty | undefined} guilty undefined for a healthy server
 * @returns {Cell}
 */
function judge(verdict, observation, guilty) {
  const { findings, category, graph, stacks, failure } = observation
  if (findings !== undefined) return judgeFindings(verdict, findings, guilty)
  if (category !== undefined) return judgeCategory(verdict, category)
  if (graph !== undefined) return judgeGraph(graph, guilty)
  if (stacks !== undefined) return judgeStacks(stacks)
  return { outcome: 'failed', text: failure ?? 'no result' }
}

/**
 * @param {Verdict} verdict
 * @param {NonNullable<Observation['findings']>} findings
 * @param {Guilty | undefined} guilty
 * @returns {Cell}
 */
function judgeFindings(verdict, findings, guilty) {
  if (findings.length === 0) return { outcome: 'nothing', text: 'nothing' }
  const [expected] = verdict.findings
  const isExpected = (/** @type {{ rule: unknown, id: string }} */ { rule, id }) =>
    rule === expected?.rule && id === expected.id
  const found = findings.find(isExpected)
  // All are accusations, and the expected one comes first.
  const shown = found === undefined ? findings : [found, ...findings.filter(finding => finding !== found)]
  const text = shown.map(({ id, confidence, function: name, line }) => `${id} (${confidence}): ${name}, line ${line}`)
  return { outcome: outcomeOf(findings.length, found, guilty), text: text.join('; ') }
}

/**
 * @param {number} count of findings
 * @param {NonNullable<Observation['findings']>[number] | undefined} found
 * @param {Guilty | undefined} guilty
 * @returns {Outcome}
 */
function outcomeOf(count, found, guilty) {
  // A second finding accuses an innocent line.
  if (found === undefined || guilty === undefined || count > 1) return 'wrong'
  if (found.file === guilty.file && found.line === guilty.line) return 'line'
  return found.function === guilty.function ? 'function' : 'wrong'
}

/**
 * @param {Verdict} verdict
 * @param {string} category
 * @returns {Cell}
 */
function judgeCategory({ findings: [expected] }, category) {
  const text = `"${category}"`
  if (UNDECIDED.includes(category)) return { outcome: 'nothing', text }
  const isFitting = expected !== undefined && FITTING[expected.id].includes(category)
  return { outcome: isFitting ? 'category' : 'wrong', text }
}

/**
 * @param {NonNullable<Observation['graph']>} graph
 * @param {Guilty | undefined} guilty
 * @returns {Cell}
 */
function judgeGraph({ share }, guilty) {
  const text = guilty === undefined ? 'graph' : `graph, ${(share * 100).toFixed(0)} % below ${guilty.function}`
  return { outcome: 'graph', text }
}

/**
 * @param {NonNullable<Observation['stacks']>} stacks
 * @returns {Cell}
 */
function judgeStacks({ count, line, function: named, commonest }) {
  if (count === 0) return { outcome: 'nothing', text: 'nothing' }
  if (2 * line >= count) return { outcome: 'line', text: `line in ${line} of ${count} stacks` }
  if (2 * named >= count) return { outcome: 'function', text: `function in ${named} of ${count} stacks` }
  return { outcome: 'wrong', text: `${count} ${count === 1 ? 'stack' : 'stacks'}, mostly ${commonest}` }
}

/**
 * Counts the reports of a time that name the guilty line and function.
 * @param {readonly import('./preload').TimedReport[]} reports
 * @param {{ from: number, to: number }} time
 * @param {Guilty | undefined} guilty
 * @param {(frame: string) => boolean} isOfProgram
 * @returns {NonNullable<Observation['stacks']>}
 */
function summarize(reports, { from, to }, guilty, isOfProgram) {
  const during = reports.filter(({ at }) => at >= from && at <= to)
  const position = guilty && `${guilty.file}:${guilty.line}:`
  const name = guilty?.function === undefined ? undefined : new RegExp(`(?:^|[\\s.])${guilty.function} \\(`)
  const count = (/** @type {(frame: string) => boolean} */ isIt) =>
    during.filter(({ stack }) => stack.some(isIt)).length
  return {
    count: during.length,
    line: position === undefined ? 0 : count(frame => frame.includes(position)),
    function: name === undefined ? 0 : count(frame => name.test(frame)),
    commonest: commonest(during.map(({ stack }) => shorten(stack.find(isOfProgram) ?? stack[0] ?? 'an empty one')))
  }
}

/** Leaves out the folders of a frame. @param {string} frame */
function shorten(frame) {
  return frame
    .trim()
    .replace(/^at /, '')
    .replace(/(?:file:\/\/)?[^\s(]*\//, '')
}

/** @param {readonly string[]} texts */
function commonest(texts) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0] ?? ''
}

/** Returns whether a tool has named the trap. @param {Cell} cell */
function isRight({ outcome }) {
  return RIGHT.has(outcome)
}

module.exports = { isRight, judge, summarize }
