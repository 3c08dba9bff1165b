'use strict'

// The committed results of several Node.js lines, side by side.

const { lineOf: lineOfVersion } = require('../../scripts/lib/runtimes.js')
const { SUITES } = require('./suites.js')
const { amount, describeTime, markdownTable, show } = require('./table.js')
const { tally } = require('./targets.js')

/**
 * @typedef {import('./results.js').Results} Results
 * @typedef {import('./summary.js').Summary} Summary
 * @typedef {import('./summary.js').Verdict} Verdict
 *
 * @typedef {object} Row a target
 * @property {string} suite
 * @property {string} name of the case
 * @property {string} what
 * @property {string} target
 * @property {Map<number, string>} cells by line
 */

/** @param {Pick<Results, 'versions'>} run */
function lineOf({ versions }) {
  return lineOfVersion(versions.node)
}

/**
 * @param {readonly Results[]} runs one for each line
 * @returns {Results[]}
 */
function newestFirst(runs) {
  return runs.toSorted((a, b) => lineOf(b) - lineOf(a))
}

/**
 * Replaces the run of the same line, or adds one.
 * @param {readonly Results[]} runs one for each line
 * @param {Results} run
 * @param {(before: Results, run: Results) => Results} [join] combines both runs of the line; returns the later one by default
 * @returns {Results[]}
 */
function withRun(runs, run, join = (_, later) => later) {
  const before = runs.find(other => lineOf(other) === lineOf(run))
  const others = runs.filter(other => other !== before)
  return newestFirst([...others, before === undefined ? run : join(before, run)])
}

/**
 * Returns a document with a table that has a row for each target and a column for each line.
 * @param {readonly Results[]} runs newest first
 */
function overview(runs) {
  const lines = runs.map(lineOf)
  const head = ['case', 'measured', 'target', ...lines.map(line => `Node ${line}`)]
  const rule = ['---', '---', '---', ...lines.map(() => '---:')]
  const cells = rows(runs).map(({ name, what, target, cells }) => [
    `\`${name}\``,
    what,
    target,
    ...lines.map(line => cells.get(line) ?? '')
  ])
  const about = runs.map(run => {
    const line = lineOf(run)
    return `- [Node ${line}](node-${line}.md): ${tally(run.results)} by ${run.versions.node}, ${describeTime(run)}`
  })
  return [
    '# Results and targets',
    about.join('\n'),
    'Ratios are relative to the contender in the target, others are values of offloop; a missed target is bold.',
    markdownTable(head, rule, cells),
    ''
  ].join('\n\n')
}

/**
 * Returns the targets of all runs. Runs with different limits for a measure have separate rows.
 * @param {readonly Results[]} runs
 * @returns {Row[]}
 */
function rows(runs) {
  /** @type {Map<string, Row>} */
  const rows = new Map()
  for (const run of runs) {
    for (const result of run.results) {
      const { suite, name } = result
      for (const target of result.targets) {
        const { measure, contender, text } = target
        const key = [suite, name, measure, contender, text].join('\n')
        const row = rows.get(key) ?? { suite, name, ...describe(result, target), cells: new Map() }
        row.cells.set(lineOf(run), cell(result, target))
        rows.set(key, row)
      }
    }
  }
  return [...rows.values()].sort((a, b) => SUITES.indexOf(a.suite) - SUITES.indexOf(b.suite))
}

/**
 * @param {Summary} result
 * @param {Verdict} target
 */
function describe({ what, reference }, { measure, contender, of, text }) {
  const label = contender === 'offloop' ? measure : `${measure} (${contender})`
  return { what: `${what}: ${label}`, target: of === 'ratio' ? `${text} ${reference}` : text }
}

/**
 * @param {Summary} result
 * @param {Verdict} target
 */
function cell({ values }, { measure, contender, of, reached, met }) {
  if (reached === undefined) return '**FAILED**'
  const unit = values.find(value => value.measure === measure && value.contender === contender)?.unit ?? ''
  const text = of === 'ratio' ? `${show(reached)} ×` : amount({ value: reached, unit })
  return met ? text : `**${text}**`
}

module.exports = { lineOf, newestFirst, overview, withRun }
