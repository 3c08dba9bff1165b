'use strict'

// Writes the report as Markdown.

const { duration, number, percent } = require('../judge/sites')
const { largest } = require('../judge/statistics')
const summary = require('./summary')
const { printable, printableName } = require('./text')

/**
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('../../../doctor').Finding} Finding
 */

const MAX_ROUTES = 20
const MAX_CONTAINERS = 20
const HTML = /[<>&]/g
/** @type {Record<string, string>} */
const ENTITIES = { '<': 'lt', '>': 'gt', '&': 'amp' }
/** Characters of emphasis, code, links, tables, headings and formulas, but not underscores inside words. */
const SPECIAL = /[\\`*[\]|~#$]|(?<!\w)_|_(?!\w)/g
/** Start of a list item. */
const MARKER = /^ *([-+]|\d+[.)])(?= )/

/**
 * @param {Report} report
 * @param {{ root?: string }} [options] `root`: folder of the program
 */
function markdown(report, { root = process.cwd() } = {}) {
  const notes = [summary.caveatOf(report) ?? [], summary.starvationOf(report) ?? []].flat()
  const sections = [
    `# offloop doctor: ${escaped(summary.verdictOf(report))}`,
    `${escaped(summary.setupOf(report).join(' · '))}\n${code(report.command.map(printableName).join(' '))}`,
    list([...summary.figuresOf(report), ...notes]),
    ...report.findings.map((finding, index) => findingSection(finding, index + 1, root)),
    conditionsSection(report),
    routesSection(report),
    containersSection(report),
    rulesSection(report)
  ]
  return `${sections.filter(section => section !== '').join('\n\n')}\n`
}

/**
 * @param {Finding} finding
 * @param {number} index
 * @param {string} root
 */
function findingSection(finding, index, root) {
  const { rule, title, confidence, evidence, fix, frames } = finding
  const facts = [
    ['rule', `${printable(rule)} (${summary.docsOf(finding)})`],
    ['function', printableName(finding.function)],
    ['name', printableName(finding.name ?? '')],
    ['line', summary.positionOf(finding, root)],
    ['declared', evidence.declared === undefined ? '' : summary.positionOf(evidence.declared, root)]
  ].filter(([, value]) => value !== '')
  const stack = frames.map(frame => `at ${summary.frameOf(frame, root)}`).join('\n')
  return [
    `## ${index}. ${escaped(printable(title))} (${confidence})`,
    facts.map(([key, value]) => `- ${key}: ${code(value)}`).join('\n'),
    escaped(printable(evidence.text)),
    list(summary.alsoOf(finding, root).map(it => `also causes: ${it}`)),
    `Fix: ${code(printable(fix))}`,
    stack === '' ? '' : block(stack)
  ]
    .filter(part => part !== '')
    .join('\n\n')
}

/** @param {Report} report */
function conditionsSection({ conditions }) {
  if (conditions.length === 0) return ''
  const rows = conditions.map(it => [
    summary.conditionOf(it.condition),
    summary.measuredOf(it),
    it.failed ? 'failed' : 'passed'
  ])
  return `## Conditions\n\n${table(['condition', 'measured', 'result'], rows)}`
}

/** @param {Report} report */
function routesSection({ routes }) {
  if (routes.length === 0) return ''
  const rows = [...routes]
    .sort((one, other) => other.held - one.held || other.count - one.count)
    .slice(0, MAX_ROUTES)
    .map(({ method, route, count, errors, durations, held, waited }) => [
      `${method} ${route}`,
      number(count),
      number(errors),
      duration(durations.p50),
      duration(durations.p99),
      duration(held),
      duration(waited)
    ])
  const heads = ['route', 'requests', 'errors', 'p50', 'p99', 'held the loop', 'waited for others']
  return `## Routes\n\n${table(heads, rows)}${rest(routes.length - MAX_ROUTES, 'routes')}`
}

/** @param {Report} report */
function containersSection({ heap: { containers } }) {
  if (containers.length === 0) return ''
  const rows = containers
    .slice(0, MAX_CONTAINERS)
    .map(({ name, kind, path, entries }) => [name, kind, path, entries.map(number).join(' → ')])
  const heads = ['container', 'kind', 'path', 'entries']
  return `## Growing containers\n\n${table(heads, rows)}${rest(containers.length - MAX_CONTAINERS, 'containers')}`
}

/**
 * @param {number} count
 * @param {string} what
 */
function rest(count, what) {
  return count > 0 ? `\n\nand ${number(count)} other ${what} in doctor.json` : ''
}

/** @param {Report} report */
function rulesSection(report) {
  const clean = summary.cleanRulesOf(report)
  const items = [
    ...(clean.length === 0 ? [] : [`checked, no findings: ${clean.join(', ')}`]),
    ...summary.reasonsOf(report, 'limited').map(({ names, reason }) => `${names.join(', ')}: ${reason}`),
    ...summary.reasonsOf(report, 'blind').map(({ names, reason }) => `not checked: ${names.join(', ')}, ${reason}`)
  ]
  const parts = Object.entries(report.cost.parts).map(([part, time]) => `${part} ${duration(time)}`)
  const cost = `overhead of the doctor: ${percent(report.cost.share)} of the processor time`
  return `## Checks\n\n${list([...items, parts.length === 0 ? cost : `${cost} (${parts.join(', ')})`])}`
}

/** @param {readonly string[]} items */
function list(items) {
  return items.map(item => `- ${escaped(printable(item))}`).join('\n')
}

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly (string | number)[])[]} rows
 */
function table(heads, rows) {
  const cells = rows.map(row => row.map(cell => escaped(printable(cell))))
  return [heads, heads.map(() => '---'), ...cells].map(row => `| ${row.join(' | ')} |`).join('\n')
}

/** Escapes a text for Markdown and HTML. @param {string} text */
function escaped(text) {
  return text
    .replace(HTML, character => `&${ENTITIES[character]};`)
    .replace(SPECIAL, character => `\\${character}`)
    .replace(MARKER, marker => `${marker.slice(0, -1)}\\${marker.slice(-1)}`)
}

/** Returns one line of text as code. The fence is longer than any run of backticks in the text. @param {string} text */
function code(text) {
  const fence = fenceOf(text, 1)
  return /^`|`$|^ .* $/.test(text) ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`
}

/** @param {string} text */
function block(text) {
  const fence = fenceOf(text, 3)
  return `${fence}text\n${text}\n${fence}`
}

/**
 * @param {string} text
 * @param {number} least
 */
function fenceOf(text, least) {
  const longest = largest(Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  return '`'.repeat(Math.max(least, longest + 1))
}

module.exports = { markdown }
