'use strict'

// Applies all judges to the facts of a run, and builds the report.

const { judgedProcesses } = require('./blocks')
const { fold } = require('./fold')
const { groupBy } = require('./groups')
const { ownShare, requestCount, starvedShare } = require('./processes')
const { duration, percent, plural } = require('./sites')
const { largest, sum } = require('./statistics')
const { summaryOf } = require('./summary')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').RuleNumber} RuleNumber
 * @typedef {import('../../../doctor').RuleStatus} RuleStatus
 *
 * A finding to leave out of the report. `rule`: number or id of the rule. `file`: path or end of a path.
 * @typedef {{ rule: string, file: string, line: number, reason?: string }} Ignored
 *
 * A judge. `notes` returns, by id of the rule, the cases that the judge left out.
 * @typedef {object} Judge
 * @property {readonly { rule: RuleNumber, id: string, title: string }[]} rules
 * @property {(facts: Facts, setup: Setup) => Finding[]} judge
 * @property {(facts: Facts, setup: Setup) => Record<string, string>} [notes]
 *
 * @typedef {object} Options
 * @property {number} threshold of a block, in milliseconds
 * @property {readonly string[] | undefined} [only] rules by number or id
 * @property {readonly Ignored[] | undefined} [ignore]
 */

/** Minimum number of requests, or minimum duration of the measurement in milliseconds. */
const LEAST_REQUESTS = 200
const LEAST_TIME = 5000
/** Share of the time above which starvation makes a run inconclusive, unless the program itself uses `OWN` of the processor time. */
const STARVED = 0.2
const OWN = 0.8
const RANKS = { possible: 0, likely: 1, certain: 2 }
/** For rules on blocks, the id under which the probes report why blocks cannot be measured. */
const SEEN_BY = /** @type {Record<string, string>} */ ({
  'await-loop': 'handler',
  'system-call': 'handler'
})

/** @returns {Judge[]} */
function allJudges() {
  return [
    require('./race'),
    require('./listeners'),
    require('./streams'),
    require('./await-loop'),
    require('./heap'),
    require('./handler'),
    require('./cluster'),
    require('./worker'),
    require('./pool-wait')
  ]
}

/** Returns the numbers and the ids of all rules. @returns {string[]} */
function ruleNames() {
  const rules = allJudges().flatMap(it => it.rules)
  return [...new Set([...rules.map(({ rule }) => String(rule)), ...rules.map(({ id }) => id)])]
}

/** Returns whether a finding is more than a hint. @param {Finding} finding */
function isSure({ confidence }) {
  return confidence !== 'possible'
}

/**
 * Returns the report of a run, without conditions.
 * @param {Facts} facts
 * @param {Options} options
 * @param {readonly Judge[]} [judges]
 * @returns {Report}
 */
function judge(facts, { threshold, only, ignore = [] }, judges = allJudges()) {
  const { from, to } = facts.measured ?? { from: 0, to: 0 }
  const setup = { seconds: (to - from) / 1000, requests: requestsOf(facts), threshold }
  const isSelected = (/** @type {{ rule: RuleNumber, id: string }} */ it) =>
    only?.some(name => matches(name, it)) ?? true
  const found = fold(unique(judges.flatMap(it => it.judge(facts, setup)).filter(isSelected)))
  const ignored = found.filter(finding => ignore.some(it => isIgnored(finding, it)))
  const findings = found.filter(finding => !ignored.includes(finding)).sort(inOrder)
  const reason = whyInconclusive(facts, setup, findings)
  const notes = Object.assign({}, ...judges.map(it => it.notes?.(facts, setup)))
  const all = judges.flatMap(it => it.rules)
  const accepted = ignore.map(it => acceptance(it, found, all)).filter(it => it.isFound || reason === undefined)
  const rules = all.map(rule => {
    const limits = [notes[rule.id] ?? [], ...accepted.filter(({ id }) => id === rule.id).map(({ text }) => text)]
    return statusOf(rule, { facts, isSelected: isSelected(rule), limits: limits.flat() })
  })
  const { node, command, cores, quota } = facts
  return {
    version: 1,
    node,
    command,
    began: from,
    duration: to - from,
    requests: setup.requests,
    cores,
    ...(quota === undefined ? {} : { quota }),
    verdict: reason !== undefined ? 'inconclusive' : findings.some(isSure) ? 'findings' : 'clean',
    ...(reason === undefined ? {} : { reason }),
    findings,
    rules,
    conditions: [],
    ...summaryOf(facts, setup)
  }
}

/** @param {Facts} facts */
function requestsOf({ processes }) {
  return sum(processes.map(requestCount))
}

/**
 * Removes duplicates: of equal findings of several processes, keeps the surest, and among those the one with the most time.
 * @param {readonly Finding[]} findings
 */
function unique(findings) {
  const key = (/** @type {Finding} */ { id, file, line, column, name: variable, title }) =>
    file === '' ? `${id} ${title} ${variable}` : `${id} ${file}:${line}:${column} ${variable}`
  return groupBy(findings, key).map(group => group.sort(inOrder)[0])
}

/**
 * Orders findings by confidence, then by the loop time that they cost.
 * @param {Finding} one
 * @param {Finding} other
 */
function inOrder(one, other) {
  return RANKS[other.confidence] - RANKS[one.confidence] || other.time - one.time
}

/**
 * Returns whether a name is the number or the id of a rule.
 * @param {string} name such as `6` or `handler`
 * @param {{ rule: RuleNumber, id: string }} it
 */
function matches(name, { rule, id }) {
  return name === id || name === String(rule)
}

/**
 * @param {Finding} finding
 * @param {Ignored} ignored
 */
function isIgnored(finding, { rule, file, line }) {
  const slashed = (/** @type {string} */ path) => path.replaceAll('\\', '/')
  const end = slashed(file).replace(/^\.\//, '')
  const path = slashed(finding.file)
  return matches(rule, finding) && line === finding.line && (path === end || path.endsWith(`/${end}`))
}

/**
 * Describes the effect of an entry of the ignored findings, as a limit of its rule.
 * @param {Ignored} ignored
 * @param {readonly Finding[]} found
 * @param {readonly { rule: RuleNumber, id: string }[]} rules
 */
function acceptance(ignored, found, rules) {
  const { rule, file, line, reason } = ignored
  const finding = found.find(it => isIgnored(it, ignored))
  const why = reason === undefined ? '' : `: ${reason}`
  if (finding !== undefined) return { id: finding.id, isFound: true, text: `${file}:${line} is ignored${why}` }
  const id = rules.find(it => matches(rule, it))?.id
  return { id, isFound: false, text: `${file}:${line} is ignored, but has no finding` }
}

/**
 * Returns why a run is inconclusive, or `undefined`. Certain findings count only own time, so starvation does not invalidate them.
 * @param {Facts} facts
 * @param {Setup} setup
 * @param {readonly Finding[]} findings
 */
function whyInconclusive(facts, setup, findings) {
  const { measured, load } = facts
  if (measured === undefined) return 'no process was measured'
  const time = measured.to - measured.from
  if (setup.requests < LEAST_REQUESTS && time < LEAST_TIME) {
    return `${plural(setup.requests, 'request')} in ${duration(time)} were measured; ${LEAST_REQUESTS} requests or 5 s are needed`
  }
  if (load !== undefined && setup.requests === 0) return 'no request of the load arrived'
  const starved = largest(judgedProcesses(facts).map(process => starvedShare(process, setup)))
  const isOthers = starved > STARVED && ownShare(facts, setup) < OWN
  if (!isOthers || findings.some(({ confidence }) => confidence === 'certain')) return undefined
  return `the program was ready to run but got no core for ${percent(starved)} of the time`
}

/**
 * @param {{ rule: RuleNumber, id: string, title: string }} rule
 * @param {{ facts: Facts, isSelected: boolean, limits: readonly string[] }} state
 * @returns {RuleStatus}
 */
function statusOf({ rule, id, title }, { facts, isSelected, limits }) {
  const status = { rule, id, title }
  if (!isSelected) return { ...status, looked: false, reason: 'not selected' }
  const processes = judgedProcesses(facts).filter(({ measured }) => measured !== undefined)
  if (processes.length === 0) return { ...status, looked: false, reason: 'nothing was measured' }
  const reasons = processes.flatMap(({ blind }) => blind[id] ?? blind[SEEN_BY[id] ?? ''] ?? blind[String(rule)] ?? [])
  if (reasons.length === processes.length) return { ...status, looked: false, reason: reasons[0] }
  const all = [
    ...(reasons.length === 0
      ? []
      : [`not checked in ${reasons.length} of ${plural(processes.length, 'process')}: ${reasons[0]}`]),
    ...limits
  ]
  return { ...status, looked: true, ...(all.length === 0 ? {} : { reason: all.join('; ') }) }
}

module.exports = { judge, ruleNames }
