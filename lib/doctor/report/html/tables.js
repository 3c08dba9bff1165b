'use strict'

// The tables of the page.

const { bytes, duration, number, percent } = require('../../judge/sites')
const { relativePath } = require('../locations')
const { conditionOf, measuredOf, reasonsOf } = require('../summary')
const { printableName } = require('../text')
const { position } = require('./findings')
const { html } = require('./markup')
const { table } = require('./table')

/**
 * @typedef {import('../../../../doctor').Report} Report
 * @typedef {import('../../../../doctor').FlameNode} FlameNode
 */

const MAX_ROWS = 50
const MAX_BLOCKS = 20
const MAX_FUNCTIONS = 15

/** @param {Report} report */
function conditions({ conditions: all }) {
  const rows = all.map(it => [
    html`<code>${conditionOf(it.condition)}</code>`,
    measuredOf(it),
    it.failed ? '✖ failed' : '✔ passed'
  ])
  return rows.length > 0 && table('Conditions', [['condition'], ['measured', 'figures'], ['result']], rows)
}

/** @param {Report} report */
function routes({ routes: all }) {
  const rows = [...all]
    .sort((one, other) => other.held - one.held || other.count - one.count)
    .map(({ method, route, count, errors, durations, held, waited }) => [
      html`<code>${method} ${printableName(route)}</code>`,
      number(count),
      number(errors),
      duration(durations.p50),
      duration(durations.p99),
      duration(held),
      duration(waited)
    ])
  const heads = ['requests', 'errors', 'p50', 'p99', 'held the loop', 'waited for others']
  return rows.length > 0 && table('Routes by loop time', [['route'], ...figures(heads)], rows, MAX_ROWS)
}

/**
 * Returns the longest blocks.
 * @param {Report} report
 * @param {string} root
 */
function blocks({ timeline, began }, root) {
  const all = timeline.flatMap(({ pid, thread, blocks }) => blocks.map(block => ({ ...block, pid, thread })))
  const rows = all
    .sort((one, other) => other.duration - one.duration)
    .map(({ at, duration: time, cause, function: name, file, line, pid, thread }) => [
      duration(time),
      cause,
      html`<code>${printableName(name)}</code>`,
      position({ file, line }, root),
      duration(at - began),
      thread === 0 ? pid : `${pid}, thread ${thread}`
    ])
  const columns = [...figures(['held']), ['cause'], ['function'], ['line'], ...figures(['after', 'process'])]
  return rows.length > 0 && table('Longest blocks', /** @type {any} */ (columns), rows, MAX_BLOCKS)
}

/**
 * Returns the functions with the most time, callees excluded.
 * @param {Report} report
 * @param {string} root
 */
function functions({ flame }, root) {
  if (flame === null) return undefined
  /** @type {Map<string, FlameNode>} */
  const bySite = new Map()
  let total = 0
  for (const node of flame.nodes) {
    total += node.self
    const key = JSON.stringify([node.name, node.file, node.line])
    const known = bySite.get(key)
    if (known === undefined) bySite.set(key, { ...node })
    else known.self += node.self
  }
  const rows = [...bySite.values()]
    .filter(({ self }) => self > 0)
    .sort((one, other) => other.self - one.self)
    .slice(0, MAX_FUNCTIONS)
    .map(({ name, file, line, self }) => [
      html`<code>${printableName(name)}</code>`,
      position({ file, line }, root),
      duration(self),
      percent(self / total)
    ])
  return table('Functions by their own time', [['function'], ['line'], ...figures(['time', 'share'])], rows)
}

/** @param {Report} report */
function containers({ heap }) {
  const rows = heap.containers.map(({ name, kind, path, entries, bytes: sizes }) => [
    html`<code>${printableName(name)}</code>`,
    kind,
    html`<code>${path}</code>`,
    entries.map(number).join(' → '),
    sizes.map(bytes).join(' → ')
  ])
  return (
    rows.length > 0 &&
    table('Growing containers', [['name'], ['kind'], ['path'], ...figures(['entries', 'size'])], rows, MAX_ROWS)
  )
}

/**
 * @param {Report} report
 * @param {string} root
 */
function processes({ processes: all }, root) {
  const rows = all.map(({ pid, thread, role, script, requests, utilization, blocks: count, rss }) => [
    thread === 0 ? pid : `${pid}, thread ${thread}`,
    role,
    html`<code>${printableName(relativePath(root, script))}</code>`,
    number(requests),
    percent(utilization),
    number(count),
    bytes(rss)
  ])
  const heads = ['requests', 'loop busy', 'blocks', 'memory']
  return table(
    'Processes and threads',
    [['process', 'figures'], ['role'], ['program'], ...figures(heads)],
    rows,
    MAX_ROWS
  )
}

/** @param {Report} report */
function downstream({ downstream: all }) {
  const rows = all.map(({ kind, target, call, calls, duplicates, concurrent, meanDuration }) => [
    kind,
    html`<code>${printableName(target)}</code>`,
    html`<code>${printableName(call)}</code>`,
    number(calls),
    number(duplicates),
    number(concurrent),
    duration(meanDuration)
  ])
  const heads = ['calls', 'duplicates in flight', 'most in flight', 'mean']
  return (
    rows.length > 0 &&
    table('Calls of other services', [['kind'], ['target'], ['call'], ...figures(heads)], rows, MAX_ROWS)
  )
}

/** @param {Report} report */
function rules(report) {
  const rows = report.rules.map(({ rule, id, title, looked, reason }) => [
    rule,
    id,
    title,
    looked ? 'checked' : '✖ not checked',
    reason ?? ''
  ])
  const blind = reasonsOf(report, 'blind').length
  const caption = blind === 0 ? 'Rules' : 'Rules; some were not checked'
  return rows.length > 0 && table(caption, [['rule'], ['name'], ['detects'], ['state'], ['limits']], rows)
}

/** @param {Report} report */
function costs({ cost }) {
  const rows = Object.entries(cost.parts).map(([part, time]) => [part, duration(time)])
  return rows.length > 0 && table('Overhead of the doctor', [['part'], ['processor time', 'figures']], rows)
}

/**
 * @param {readonly string[]} heads
 * @returns {import('./table').Column[]}
 */
function figures(heads) {
  return heads.map(head => [head, 'figures'])
}

module.exports = { blocks, conditions, containers, costs, downstream, functions, processes, routes, rules }
