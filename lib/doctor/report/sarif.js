'use strict'

// Writes the report in SARIF 2.1.0, for code scanning.

const { createHash } = require('node:crypto')
const { version } = require('../../../package.json')
const { isRelative, relativePath, uriOf } = require('./locations')
const summary = require('./summary')
const { printable } = require('./text')

/**
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').FindingFrame} FindingFrame
 */

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'
const ROOT = 'SRCROOT'
const FINGERPRINT = 'offloopFinding/v1'
const LEVELS = /** @type {const} */ ({ certain: 'error', likely: 'warning', possible: 'note' })
const RANKS = /** @type {const} */ ({ certain: 100, likely: 60, possible: 20 })

/**
 * @param {Report} report
 * @param {{ root?: string }} [options] `root`: folder of the repository
 * @returns {string}
 */
function sarif(report, { root = process.cwd() } = {}) {
  const rules = rulesOf(report)
  const indexes = new Map(rules.map(({ id }, index) => [id, index]))
  const fingerprint = fingerprints(root)
  const main = mainOf(report, root)
  const run = {
    tool: { driver: { name: 'offloop doctor', semanticVersion: version, rules } },
    originalUriBaseIds: { [ROOT]: { uri: `${uriOf(root).replace(/\/+$/, '')}/` } },
    columnKind: 'utf16CodeUnits',
    invocations: [invocationOf(report)],
    results: report.findings.map(finding => ({
      ruleId: ruleIdOf(finding),
      ruleIndex: indexes.get(ruleIdOf(finding)),
      level: LEVELS[finding.confidence],
      rank: RANKS[finding.confidence],
      message: { text: messageOf(finding, root) },
      locations: [locationOf(finding, isInProject(finding, root) ? finding : main, root)],
      stacks: finding.frames.length === 0 ? [] : [{ frames: finding.frames.map(frame => frameOf(frame, root)) }],
      partialFingerprints: { [FINGERPRINT]: fingerprint(finding) },
      properties: { confidence: finding.confidence, time: finding.time, evidence: finding.evidence, fix: finding.fix }
    }))
  }
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2)}\n`
}

/** @param {{ rule: number | string, id: string }} finding */
function ruleIdOf({ rule, id }) {
  return `${rule}/${id}`
}

/** @param {Report} report */
function rulesOf({ rules, findings }) {
  /** @type {Map<string, object>} */
  const byId = new Map()
  for (const it of [...findings, ...rules]) {
    const id = ruleIdOf(it)
    const text = printable(it.title)
    byId.set(id, {
      id,
      name: it.id,
      shortDescription: { text },
      help: { text: `node_modules/offloop/${summary.docsOf(it)}` }
    })
  }
  return /** @type {{ id: string }[]} */ ([...byId.values()])
}

/** @param {Report} report */
function invocationOf(report) {
  const { began, duration, verdict, reason } = report
  const notes = summary
    .reasonsOf(report, 'blind')
    .map(({ names, reason }) => `${names.join(', ')}: not checked, ${reason}`)
  const warnings = verdict === 'inconclusive' ? [summary.verdictOf(report)] : (summary.caveatOf(report) ?? [])
  return {
    executionSuccessful: verdict !== 'inconclusive' && reason === undefined,
    startTimeUtc: new Date(began).toISOString(),
    endTimeUtc: new Date(began + duration).toISOString(),
    toolExecutionNotifications: [
      ...[warnings].flat().map(text => ({ level: 'warning', message: { text } })),
      ...notes.map(text => ({ level: 'note', message: { text } }))
    ]
  }
}

/**
 * Returns the message of a finding. Escapes brackets that would form a link.
 * @param {Finding} finding
 * @param {string} root
 */
function messageOf(finding, root) {
  const { title, evidence, fix } = finding
  // The location of such a finding is only that of the program.
  const position = isInProject(finding, root) ? '' : summary.positionOf(finding, root)
  const where = position === '' ? '' : ` at ${position}`
  const text = `${printable(title)}${where}: ${printable(evidence.text)}\nFix: ${printable(fix)}`
  return text.replace(/[\\[\]]/g, bracket => (text.includes('](') ? `\\${bracket}` : bracket))
}

/**
 * Returns the position that stands for findings without a line of the project: the script of the process with the most requests, or
 * package.json.
 * @param {Report} report
 * @param {string} root
 */
function mainOf({ processes }, root) {
  const files = [...processes].sort((one, other) => other.requests - one.requests).map(({ script }) => script)
  const script = files.find(file => isInProject({ file }, root))
  return { file: script ?? 'package.json', line: 1, column: 0 }
}

/**
 * Returns whether a file belongs to the project: GitHub rejects a report that names any other one as a location.
 * @param {{ file: string }} position
 * @param {string} root
 */
function isInProject({ file }, root) {
  return isRelative(relativePath(root, file))
}

/**
 * Returns the location of a finding. GitHub rejects a report whose findings lack one.
 * @param {Finding} finding
 * @param {{ file: string, line: number, column: number }} position
 * @param {string} root
 */
function locationOf(finding, { file, line, column }, root) {
  const name = [finding.function, finding.name ?? ''].find(it => it !== '')
  return {
    physicalLocation: physicalLocationOf({ file, line: Math.max(1, line), column: line > 0 ? column : 0 }, root),
    ...(name !== undefined && { logicalLocations: [{ name: printable(name) }] })
  }
}

/**
 * @param {FindingFrame} frame
 * @param {string} root
 */
function frameOf(frame, root) {
  if (!isInProject(frame, root)) return { location: { message: { text: summary.frameOf(frame, root) } } }
  const text = `${frame.isAsync ? 'async ' : ''}${printable(frame.name)}`
  return { location: { physicalLocation: physicalLocationOf(frame, root), message: { text } } }
}

/**
 * @param {{ file: string, line: number, column: number }} position of a file of the project
 * @param {string} root
 */
function physicalLocationOf({ file, line, column }, root) {
  return {
    artifactLocation: { uri: uriOf(relativePath(root, file)), uriBaseId: ROOT },
    ...(line > 0 && { region: { startLine: line, ...(column > 0 && { startColumn: column }) } })
  }
}

/**
 * Returns a function that fingerprints findings. A fingerprint does not depend on line numbers, so edits above a finding do not change it;
 * a counter distinguishes findings of the same kind in one function.
 * @param {string} root
 */
function fingerprints(root) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  return (/** @type {Finding} */ finding) => {
    const path = relativePath(root, finding.file)
    const parts = [ruleIdOf(finding), path, finding.function, finding.name ?? '']
    const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
    const count = (counts.get(hash) ?? 0) + 1
    counts.set(hash, count)
    return `${hash}:${count}`
  }
}

module.exports = { sarif }
