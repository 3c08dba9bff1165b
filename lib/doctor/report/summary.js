'use strict'

// Builds the sentences of a report that all formats share. Texts from the program are made printable.

const { valueText } = require('../gate')
const { bytes, duration, number, percent, plural } = require('../judge/sites')
const { relativePath } = require('./locations')
const { printable, printableName } = require('./text')

/**
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').FindingFrame} FindingFrame
 * @typedef {import('../../../doctor').RuleStatus} RuleStatus
 */

/** @type {readonly import('../../../doctor').Confidence[]} */
const CONFIDENCES = ['certain', 'likely', 'possible']
/** Minimum share of starved time for a note. */
const STARVED = 0.01
const MEGABYTE_TENTH = 1e5

/** Returns the verdict as a sentence without a full stop. @param {Report} report */
function verdictOf({ verdict, reason, findings }) {
  if (verdict === 'inconclusive') return `Inconclusive: ${printable(reason ?? 'too little was measured')}`
  if (findings.length === 0) return 'No findings'
  const counts = CONFIDENCES.map(it => ({ it, count: findings.filter(({ confidence }) => confidence === it).length }))
  const parts = counts.filter(({ count }) => count > 0).map(({ it, count }) => `${number(count)} ${it}`)
  return `${plural(findings.length, 'finding')}: ${parts.join(', ')}`
}

/** Returns why a report with findings says less than they suggest, or `undefined`. `verdictOf` has it otherwise. @param {Report} report */
function caveatOf({ verdict, reason }) {
  return verdict === 'inconclusive' || reason === undefined ? undefined : printable(reason)
}

/** Returns descriptions of the machine and of the measurement. @param {Report} report */
function setupOf({ node, cores, quota, duration: measured, requests, processes }) {
  const threads = processes.length > 1 ? [`${number(processes.length)} processes and threads`] : []
  return [
    `node ${printable(node).replace(/^v/, '')}`,
    plural(cores, 'core') + (quota === undefined ? '' : ` (quota ${number(quota)})`),
    duration(measured),
    plural(requests, 'request'),
    ...threads
  ]
}

/** Returns the figures of the run that do not depend on findings. @param {Report} report */
function figuresOf({ loop, gc, heap, request, requests, cost }) {
  const { count, own } = loop.blocks
  return [
    `loop held up to ${duration(loop.hold.max)} (p99 ${duration(loop.hold.p99)}), ${percent(loop.utilization)} busy`,
    count === 0 ? 'no blocks' : `${plural(count, 'block')}, ${duration(own.total)} in all (p99 ${duration(own.p99)})`,
    ...(requests === 0 ? [] : [`requests p99 ${duration(request.p99)}`]),
    `GC ${percent(gc.share)}, longest ${duration(gc.longest)}`,
    `heap ${bytes(heap.used)}${growthOf(heap.growth)}`,
    `overhead of the doctor ${percent(cost.share)}`
  ]
}

/** @param {number} growth in bytes per second */
function growthOf(growth) {
  if (Math.abs(growth) < MEGABYTE_TENTH / 2) return ''
  return ` (${growth > 0 ? '+' : ''}${number(Math.round(growth / MEGABYTE_TENTH) / 10)} MB/s)`
}

/** Returns a note on starved time, or `undefined` if it is negligible. @param {Report} report */
function starvationOf({ duration: measured, loop }) {
  if (loop.starved <= measured * STARVED) return undefined
  return `the program was starved for ${duration(loop.starved)} of ${duration(measured)}; starved time is not counted`
}

/**
 * Returns the position of a finding or frame as `file:line`, empty if it is unknown.
 * @param {{ file: string, line: number }} position
 * @param {string} root
 */
function positionOf({ file, line }, root) {
  if (file === '') return ''
  const path = printable(relativePath(root, file))
  return line > 0 ? `${path}:${line}` : path
}

/** Returns the outermost frame of the program, unless it is the guilty one. @param {Finding} finding */
function callerOf({ frames, file, line }) {
  const caller = frames.findLast(frame => frame.isUser)
  return caller === undefined || (caller.file === file && caller.line === line) ? undefined : caller
}

/**
 * Returns the titles and positions of the findings that a finding explains.
 * @param {Finding} finding
 * @param {string} root
 */
function alsoOf({ evidence: { also } }, root) {
  return (also ?? []).map(({ title, file, line }) =>
    `${printable(title)} ${positionOf({ file, line }, root)}`.trimEnd()
  )
}

/**
 * Returns a frame as a line of a stack.
 * @param {FindingFrame} frame
 * @param {string} root
 */
function frameOf(frame, root) {
  const position = positionOf(frame, root)
  const name = `${frame.isAsync ? 'async ' : ''}${printableName(frame.name)}`
  return position === '' ? name : `${name} (${position})`
}

/** Returns the names of the rules without findings that were checked; none if the run is inconclusive. @param {Report} report */
function cleanRulesOf({ verdict, rules, findings }) {
  if (verdict === 'inconclusive') return []
  const found = new Set(findings.map(keyOf))
  return [...new Set(rules.filter(rule => rule.looked && !found.has(keyOf(rule))).map(nameOf))]
}

/**
 * Returns why rules were not checked (`blind`), or only in part (`limited`), each reason with the names of its rules.
 * @param {Report} report
 * @param {'blind' | 'limited'} kind
 */
function reasonsOf({ rules }, kind) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map()
  for (const rule of rules) {
    if (rule.looked === (kind === 'blind') || (kind === 'limited' && rule.reason === undefined)) continue
    const reason = printable(rule.reason ?? 'for an unknown reason')
    reasons.set(reason, [...(reasons.get(reason) ?? []), nameOf(rule)])
  }
  return [...reasons].map(([reason, names]) => ({
    reason,
    names: names.length > 1 && names.length === rules.length ? ['all rules'] : [...new Set(names)]
  }))
}

/** @param {{ rule: number | string, id: string }} it */
function keyOf({ rule, id }) {
  return `${rule} ${id}`
}

/** @param {RuleStatus} rule */
function nameOf({ id }) {
  return printable(id).replaceAll('-', ' ')
}

/** Describes a condition. @param {string} condition */
function conditionOf(condition) {
  const isConfidence = CONFIDENCES.some(it => it === condition)
  return isConfidence
    ? condition === 'certain'
      ? 'findings of confidence certain'
      : `findings of confidence ${condition} or higher`
    : printable(condition)
}

/** Returns the value of a condition in its unit. @param {import('../../../doctor').Condition} condition */
function measuredOf(condition) {
  return printable(valueText(condition))
}

/** Returns the section of the documentation for a rule. @param {{ rule: number | string }} finding */
function docsOf({ rule }) {
  return `docs/doctor.md#${printable(rule)}`
}

module.exports = {
  alsoOf,
  callerOf,
  caveatOf,
  cleanRulesOf,
  conditionOf,
  docsOf,
  figuresOf,
  frameOf,
  measuredOf,
  positionOf,
  reasonsOf,
  setupOf,
  starvationOf,
  verdictOf
}
