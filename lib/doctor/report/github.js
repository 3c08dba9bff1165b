'use strict'

// Writes the report as workflow commands of GitHub Actions, which annotate the guilty lines.

const { isRelative, relativePath } = require('./locations')
const { caveatOf, conditionOf, measuredOf, verdictOf } = require('./summary')
const { printable, printableName } = require('./text')

/**
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('../../../doctor').Finding} Finding
 */

const LEVELS = /** @type {const} */ ({ certain: 'error', likely: 'warning', possible: 'notice' })

/**
 * @param {Report} report
 * @param {{ root?: string }} [options] `root`: folder of the repository
 * @returns {string} one command per line
 */
function github(report, { root = process.cwd() } = {}) {
  const commands = [
    ...report.findings.map(finding => commandOf(finding, root)),
    ...report.conditions
      .filter(({ failed }) => failed)
      .map(it =>
        command('error', { title: 'offloop doctor' }, `${conditionOf(it.condition)} failed: ${measuredOf(it)}`)
      ),
    ...warningsOf(report).map(text => command('warning', { title: 'offloop doctor' }, text))
  ]
  return commands.map(line => `${line}\n`).join('')
}

/** @param {Report} report */
function warningsOf(report) {
  return report.verdict === 'inconclusive' ? [verdictOf(report)] : [caveatOf(report) ?? []].flat()
}

/**
 * @param {Finding} finding
 * @param {string} root
 */
function commandOf(finding, root) {
  const { rule, title, confidence, evidence, fix } = finding
  const properties = {
    ...positionOf(finding, root),
    title: `offloop ${printable(rule)}: ${printable(title)} (${confidence})`
  }
  const subject = [finding.name, finding.function].filter(it => it !== undefined && it !== '').map(printableName)
  const begin = subject.length === 0 ? '' : `${subject.join(' in ')}: `
  return command(LEVELS[confidence], properties, `${begin}${printable(evidence.text)}\nFix: ${printable(fix)}`)
}

/**
 * Returns the position of a finding, if its file is in the repository: GitHub ignores other files.
 * @param {Finding} finding
 * @param {string} root
 * @returns {Record<string, string | number>}
 */
function positionOf({ file, line, column }, root) {
  const path = relativePath(root, file)
  if (!isRelative(path)) return {}
  return { file: printable(path), ...(line > 0 && { line }), ...(line > 0 && column > 0 && { col: column }) }
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} properties
 * @param {string} message
 */
function command(name, properties, message) {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(String(value))}`)
  return `::${name} ${list.join(',')}::${escapeData(message)}`
}

/** @param {string} text */
function escapeData(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** @param {string} text */
function escapeProperty(text) {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

module.exports = { github }
