'use strict'

// The results of all lines of Node.js, as Markdown: a table for each, and a summary for docs/doctor.md.

const verdicts = require('../../examples/doctor/verdicts.js')
const { describeMachine, markdownTable } = require('../harness/table.js')
const { isRight, judge } = require('./rules.js')
const { guiltyOf } = require('./observe.js')

/**
 * @typedef {import('./rules').Observation} Observation
 * @typedef {import('./rules').Cell} Cell
 * @typedef {ReturnType<typeof import('../harness/machine.js').machine>['machine']} Machine
 *
 * `observations` by server, then by tool.
 * @typedef {object} Run of a line of Node.js
 * @property {string} node
 * @property {string} date of the last observation
 * @property {Machine} machine
 * @property {Record<string, string>} versions of the tools
 * @property {Record<string, Record<string, Observation>>} observations
 */

const SERVERS = ['t1', 't2', 't3', 't4', 't5', 't6', 't6b', 't7', 't8', 'n1', 'n2', 'n3', 'n4']
const OFFLOOP = 'offloop doctor'
const START = '<!-- peers -->'
const END = '<!-- /peers -->'
/** Right answers, the finest first. */
const ANSWERS = /** @type {const} */ (['line', 'function', 'category'])

/** @param {string} server */
function verdictOf(server) {
  const verdict = verdicts.find(({ name }) => name === server)
  if (verdict === undefined) throw new Error(`There is no server "${server}". The servers are: ${SERVERS.join(', ')}.`)
  return verdict
}

/**
 * @param {Run} run
 * @param {string} server
 * @param {string} tool
 * @returns {Cell | undefined} undefined if it was not observed
 */
function cellOf({ observations }, server, tool) {
  const observation = observations[server]?.[tool]
  const verdict = verdictOf(server)
  return observation && judge(verdict, observation, guiltyOf(verdict))
}

/** @param {string} server */
function trapOf(server) {
  const verdict = verdictOf(server)
  const [expected] = verdict.findings
  const name = verdict.file.replace(/\.\w+$/, '')
  return expected === undefined ? `${name}, healthy` : name
}

/**
 * @param {string} server
 * @param {Cell | undefined} cell
 */
function show(server, cell) {
  if (cell === undefined) return ''
  if (isRight(cell) || (isHealthy(server) && cell.outcome === 'nothing')) return `✔ ${cell.text}`
  return cell.outcome === 'wrong' ? `✖ ${cell.text}` : `– ${cell.text}`
}

/** @param {Run} run */
function section(run) {
  const { node, date, machine, versions } = run
  const tools = Object.keys(versions)
  const rows = SERVERS.map(server => [
    `\`${server}\``,
    trapOf(server),
    ...tools.map(tool => show(server, cellOf(run, server, tool)))
  ])
  const head = ['', 'server', ...tools.map(tool => `${tool} ${versions[tool]}`)]
  return [
    `## Node ${node}`,
    `${describeMachine({ machine })}, ${date.slice(0, 16).replace('T', ' ')} UTC.`,
    markdownTable(
      head,
      head.map(() => '---'),
      rows
    ),
    summary([run])
  ].join('\n\n')
}

/**
 * Returns the cells of a tool that were observed.
 * @param {Run} run
 * @param {string} tool
 * @param {'trap' | 'healthy'} kind of the servers
 */
function cellsOf(run, tool, kind) {
  const servers = SERVERS.filter(server => isHealthy(server) === (kind === 'healthy'))
  return servers.flatMap(server => cellOf(run, server, tool) ?? [])
}

/**
 * @param {readonly Cell[]} cells
 * @param {Cell['outcome']} outcome
 */
function count(cells, outcome) {
  return cells.filter(cell => cell.outcome === outcome).length
}

/** @param {string} server */
function isHealthy(server) {
  return verdictOf(server).findings.length === 0
}

/** Returns how a tool has named the traps. @param {readonly Cell[]} cells */
function namedOf(cells) {
  const named = ANSWERS.flatMap(outcome => {
    const number = count(cells, outcome)
    return number === 0 ? [] : [`${number} by ${outcome}`]
  })
  const graphs = count(cells, 'graph')
  if (graphs > 0) named.push(`0, ${graphs} graphs`)
  const failed = count(cells, 'failed')
  const note = failed === 0 ? '' : `, ${failed} failed`
  return `${named.join(', ') || '0'} of ${cells.length}${note}`
}

/**
 * Returns a table of the tools.
 * @param {readonly Run[]} runs
 */
function summary(runs) {
  const head = ['tool', 'Node.js', 'traps named', 'other lines or categories', 'healthy servers accused']
  const rows = runs.flatMap(run =>
    Object.entries(run.versions).map(([tool, version]) => {
      const [traps, healthy] = [cellsOf(run, tool, 'trap'), cellsOf(run, tool, 'healthy')]
      const accused = `${count(healthy, 'wrong')} of ${healthy.length}`
      return [`${tool} ${version}`, run.node, namedOf(traps), String(count(traps, 'wrong')), accused]
    })
  )
  return markdownTable(
    head,
    head.map(() => '---'),
    rows
  )
}

/** @param {readonly Run[]} runs newest line first */
function page(runs) {
  return [
    '# The doctor beside other tools',
    'Each server of [examples/doctor](../../examples/doctor/README.md) runs once under each tool, with 20 connections of autocannon for' +
      ' 6 seconds, of which the last 5 count. ✔: names the trap, or has no accusation of a healthy server. ✖: accuses another line or' +
      ' category, or a healthy server. –: no verdict. The rules are in [rules.js](../peers/rules.js); all observations are in' +
      ' [doctor-peers.json](doctor-peers.json).',
    ...runs.map(section),
    ''
  ].join('\n\n')
}

/**
 * Replaces the text between the two marks of docs/doctor.md by the summary.
 * @param {string} document
 * @param {readonly Run[]} runs
 */
function intoDocument(document, runs) {
  const start = document.indexOf(START)
  const end = document.indexOf(END)
  if (start < 0 || end < start) throw new Error(`The document must contain ${START} followed by ${END}`)
  return `${document.slice(0, start + START.length)}\n${summary(runs)}\n${document.slice(end)}`
}

module.exports = { OFFLOOP, SERVERS, intoDocument, page, verdictOf }
